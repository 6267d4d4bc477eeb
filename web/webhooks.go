package web

import (
	"net/http"

	"congvu/inspection"
	"congvu/inspection/notify"
	"congvu/inspection/org"

	"github.com/labstack/echo/v4"
)

type webhooksPage struct {
	adminBase
	Hooks []notify.Webhook
}

func (s *Server) webhooks(c echo.Context) (page webhooksPage, err error) {
	page.adminBase = s.adminBase(c, "webhooks.title")
	if err := administers(c, org.ManageOrg); err != nil {
		return page, err
	}
	page.Hooks, err = s.Notify.Webhooks(c.Request().Context(), page.Actor)
	return page, err
}

func (s *Server) webhooksPage(c echo.Context) error {
	page, err := s.webhooks(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-webhooks", page)
}

// addWebhook shows the secret, this once: never in an address.
func (s *Server) addWebhook(c echo.Context) error {
	page, err := s.webhooks(c)
	if err != nil {
		return err
	}
	id := formID(c)
	secret, err := s.Notify.AddWebhook(c.Request().Context(), page.Actor, id, c.FormValue("url"))
	if err != nil {
		return s.refuse(c, &page.adminBase, "add", "admin-webhooks", err, func() any { return page })
	}
	return s.showWebhook(c, id, secret)
}

type webhookPage struct {
	adminBase
	Hook        notify.Webhook
	Log         []notify.Logged
	Next, First string
	Secret      string // shown this once
}

func (s *Server) webhook(c echo.Context, id string) (page webhookPage, err error) {
	page.adminBase = s.adminBase(c, "webhooks.one")
	if err := administers(c, org.ManageOrg); err != nil {
		return page, err
	}
	ctx := c.Request().Context()
	if page.Hook, err = s.Notify.Webhook(ctx, page.Actor, id); err != nil {
		return page, err
	}
	var next string
	page.Log, next, err = s.Notify.Log(ctx, page.Actor, id, pageOf(c))
	page.Next, page.First = pagerOf(c, next)
	return page, err
}

func (s *Server) webhookPage(c echo.Context) error { return s.showWebhook(c, c.Param("id"), "") }

func (s *Server) showWebhook(c echo.Context, id, secret string) error {
	page, err := s.webhook(c, id)
	if err != nil {
		return err
	}
	page.Secret = secret
	return s.render(c, http.StatusOK, "admin-webhook", page)
}

// changeWebhook is one of the forms on the page of an endpoint.
func (s *Server) changeWebhook(c echo.Context) error {
	page, err := s.webhook(c, c.Param("id"))
	if err != nil {
		return err
	}
	ctx, a, id, act, to := c.Request().Context(), page.Actor, page.Hook.ID, c.Param("act"), "/admin/webhooks/"+page.Hook.ID
	var version int64
	if act != "test" {
		if version, err = formVersion(c); err != nil {
			return err
		}
	}
	secret := ""
	switch act {
	case "test":
		err = s.Notify.TestWebhook(ctx, a, id, formID(c))
	case "rotate":
		secret, err = s.Notify.RotateSecret(ctx, a, id, version)
	case "pause":
		err = s.Notify.PauseWebhook(ctx, a, id, version)
	case "resume":
		err = s.Notify.ResumeWebhook(ctx, a, id, version)
	case "remove":
		err, to = s.Notify.RemoveWebhook(ctx, a, id, version), "/admin/webhooks"
	default:
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	switch {
	case err != nil:
		return s.refuse(c, &page.adminBase, act, "admin-webhook", err, func() any { return page })
	case secret != "":
		return s.showWebhook(c, id, secret)
	}
	return c.Redirect(http.StatusSeeOther, to+"?done=webhook_"+act)
}

func (s *Server) resendWebhook(c echo.Context) error {
	if err := administers(c, org.ManageOrg); err != nil {
		return err
	}
	id := c.Param("id")
	if err := s.Notify.Resend(c.Request().Context(), actor(c), id, c.Param("delivery")); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/admin/webhooks/"+id+"?done=webhook_resend")
}

// HookClass is the class of the tag of an endpoint's state.
func (Base) HookClass(v notify.HookState) string {
	switch v {
	case notify.HookActive:
		return "good"
	case notify.HookOff:
		return "late"
	}
	return "plain"
}

// DeliveryClass is the class of the tag of a delivery's state.
func (Base) DeliveryClass(v notify.DeliveryState) string {
	switch v {
	case notify.DeliverySent:
		return "good"
	case notify.DeliveryFailed:
		return "late"
	}
	return "soon"
}
