package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"congvu/inspection"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
)

// Permission is who may call a route at all. What a person may do there is decided
// by the service that the route calls, with org.Can.
type Permission string

// The permissions.
const (
	Public      Permission = "public"       // anybody
	AnyPassword Permission = "any password" // signed in, even with a first password that must be changed
	SignedIn    Permission = "signed in"    // signed in
	ByRelay     Permission = "relay"        // a relay of cameras, by the signature of its request
)

// routes is the whole route table, the permission on every line.
func (s *Server) routes() {
	get, post := http.MethodGet, http.MethodPost

	s.page(get, "/", SignedIn, s.home)
	s.page(get, "/login", Public, s.loginPage)
	s.page(post, "/login", Public, s.login)
	s.page(post, "/logout", Public, s.logout)
	s.page(post, "/logout-everywhere", AnyPassword, s.logoutEverywhere)
	s.page(get, "/account", SignedIn, s.account)
	s.page(get, "/password", AnyPassword, s.passwordPage)
	s.page(post, "/password", AnyPassword, s.changePassword)
	s.page(post, "/language", Public, s.setLanguage)
	s.page(get, "/styleguide", Public, s.styleguide)
	s.page(get, "/messages", SignedIn, s.messagesPage)
	s.page(post, "/messages/read", SignedIn, s.readMessages)
	s.page(post, "/account/contact", SignedIn, s.setContact)
	s.page(get, "/unsubscribe", Public, s.unsubscribePage)
	s.page(post, "/unsubscribe", Public, s.unsubscribe)

	s.page(get, "/visits", SignedIn, s.visitsPage)
	s.page(get, "/visits/:id", SignedIn, s.visitPage)
	s.page(get, "/visits/:id/minutes", SignedIn, s.minutesPage)
	s.page(get, "/visits/:id/score", SignedIn, s.scorePage)
	s.page(get, "/visits/:id/photos", SignedIn, s.photosPage)
	s.page(post, "/visits/:id/photos", SignedIn, s.confirmPhotos)
	s.page(post, "/visits/:id/photos/:file", SignedIn, s.confirmPhoto)
	s.page(post, "/visits/:id/stills/:request", SignedIn, s.decideStill)
	s.page(post, "/visits/:id/photos/:file/give-up", SignedIn, s.giveUpPhoto)
	s.page(post, "/visits/:id/documents", SignedIn, s.registerDocument)
	s.page(get, "/visits/:id/look", SignedIn, s.lookPage)
	s.page(post, "/visits/:id/look", SignedIn, s.look)
	s.page(get, "/visits/:id/look/item", SignedIn, s.lookItemPage)
	s.page(post, "/visits/:id/look/item", SignedIn, s.lookItem)
	s.page(post, "/visits/:id/opinion", SignedIn, s.giveOpinion)
	s.page(get, "/visits/:id/report", SignedIn, s.reportPage)
	s.page(post, "/visits/:id/report", SignedIn, s.report)
	s.page(get, "/visits/:id/conclusion", SignedIn, s.conclusionPage)
	s.page(post, "/visits/:id/conclusion", SignedIn, s.conclude)

	s.page(get, "/findings", SignedIn, s.findingsPage)
	s.page(get, "/findings/:id", SignedIn, s.findingPage)
	s.page(get, "/findings/:id/views", SignedIn, s.findingViews)
	s.formWithFiles("/findings/:id/:event", SignedIn, s.findingEvent)
	s.page(get, "/reinspections/new", SignedIn, s.reinspectionPage)
	s.page(post, "/reinspections", SignedIn, s.planReinspection)

	s.page(get, "/campaigns", SignedIn, s.campaignsPage)
	s.page(get, "/campaigns/new", SignedIn, s.newCampaign)
	s.page(post, "/campaigns", SignedIn, s.createCampaign)
	s.page(get, "/campaigns/:id", SignedIn, s.campaignPage)
	s.page(get, "/campaigns/:id/edit", SignedIn, s.editCampaign)
	s.page(post, "/campaigns/:id", SignedIn, s.changeCampaign)
	s.page(post, "/campaigns/:id/state", SignedIn, s.standCampaign)
	s.page(post, "/campaigns/:id/decider", SignedIn, s.handOver)
	s.formWithFiles("/campaigns/:id/scan", SignedIn, s.addScan)
	s.page(get, "/campaigns/:id/places", SignedIn, s.campaignPlaces)
	s.page(post, "/campaigns/:id/places", SignedIn, s.addPlaces)
	s.page(post, "/campaigns/:id/places/remove", SignedIn, s.removePlaces)
	s.page(post, "/campaigns/:id/teams", SignedIn, s.addTeam)
	s.page(get, "/teams/:id", SignedIn, s.teamPage)
	s.page(post, "/teams/:id", SignedIn, s.changeTeam)
	s.page(post, "/teams/:id/state", SignedIn, s.standTeam)
	s.page(post, "/teams/:id/members", SignedIn, s.addMembers)
	s.page(post, "/teams/:id/members/:role/end", SignedIn, s.endMember)
	s.page(get, "/targets", SignedIn, s.targetsPage)
	s.page(get, "/targets/new", SignedIn, s.newTarget)
	s.page(post, "/targets", SignedIn, s.sealTarget)
	s.page(get, "/targets/:id", SignedIn, s.targetPage)
	s.page(post, "/targets/:id", SignedIn, s.moveTarget)
	s.page(post, "/targets/:id/look", SignedIn, s.beginLook)
	s.page(post, "/targets/:id/state", SignedIn, s.standTarget)
	s.page(post, "/targets/:id/openings", SignedIn, s.openTarget)
	s.page(post, "/targets/:id/openings/:person/end", SignedIn, s.takeBackTarget)

	s.page(get, "/inbox", SignedIn, s.inboxPage)
	s.page(get, "/needs", SignedIn, s.needsPage)
	s.page(get, "/recommendations", SignedIn, s.recommendationsPage)
	s.page(post, "/recommendations/:id/:act", SignedIn, s.answerRecommendation)
	s.page(get, "/visits/:id/recommendations", SignedIn, s.recommendationsPage)
	s.page(post, "/visits/:id/recommendations", SignedIn, s.recommend)
	s.page(get, "/delegations", SignedIn, s.delegationsPage)
	s.page(post, "/delegations", SignedIn, s.delegate)
	s.page(post, "/delegations/:id/end", SignedIn, s.endDelegation)
	s.page(get, "/bulk", SignedIn, s.bulkPage)
	s.page(post, "/bulk", SignedIn, s.doMany)
	s.page(post, "/bulk/preview", SignedIn, s.previewMany)
	s.page(get, "/bulk/:id", SignedIn, s.bulkActPage)
	s.page(post, "/bulk/:id/undo", SignedIn, s.takeBack)
	s.page(get, "/self-checks", SignedIn, s.selfChecksPage)
	s.page(get, "/self-checks/rounds/new", SignedIn, s.newSelfRound)
	s.page(post, "/self-checks/rounds", SignedIn, s.askSelfChecks)
	s.page(get, "/self-checks/rounds/:id", SignedIn, s.selfRoundPage)
	s.page(post, "/self-checks/rounds/:id/cancel", SignedIn, s.cancelSelfRound)
	s.page(get, "/self-checks/new", SignedIn, s.newSelfCheck)
	s.page(post, "/self-checks", SignedIn, s.planSelfCheck)
	s.page(get, "/self-checks/:id", SignedIn, s.selfCheckPage)
	s.page(post, "/self-checks/:id/:act", SignedIn, s.changeSelfCheck)
	s.page(get, "/self-checks/:id/sections/:section", SignedIn, s.selfSectionPage)
	s.page(post, "/self-checks/:id/sections/:section", SignedIn, s.saveSelfSection)
	s.page(post, "/self-checks/:id/shortcomings/:row", SignedIn, s.standShortcoming)

	s.page(get, "/overview", SignedIn, s.overviewPage)
	s.page(get, "/units", SignedIn, s.unitsPage)

	s.page(get, "/setup", Public, s.setupPage)
	s.page(post, "/setup", Public, s.setup)
	s.page(get, "/admin", SignedIn, s.adminPage)
	s.page(get, "/admin/units", SignedIn, s.adminUnitsPage)
	s.page(post, "/admin/units", SignedIn, s.addUnit)
	s.page(post, "/admin/units/builtin", SignedIn, s.addBuiltIn)
	s.page(get, "/admin/units/:id", SignedIn, s.adminUnitPage)
	s.page(post, "/admin/units/:id/correct", SignedIn, s.correctUnit)
	s.page(get, "/admin/units/import", SignedIn, s.unitsImportPage)
	s.formWithFiles("/admin/units/import", SignedIn, s.importUnits)
	s.page(get, "/admin/organisations", SignedIn, s.adminOrganisationsPage)
	s.page(post, "/admin/organisations", SignedIn, s.addOrganisation)
	s.page(get, "/admin/organisations/import", SignedIn, s.registerImportPage)
	s.formWithFiles("/admin/organisations/import", SignedIn, s.importRegister)
	s.page(get, "/admin/units/template.csv", SignedIn, s.unitsTemplate)
	s.page(get, "/admin/units/template.xlsx", SignedIn, s.unitsTemplate)
	s.page(get, "/admin/units/lineage-template.csv", SignedIn, s.lineageTemplate)
	s.page(get, "/admin/units/lineage-template.xlsx", SignedIn, s.lineageTemplate)
	s.page(get, "/admin/organisations/template.csv", SignedIn, s.registerTemplate)
	s.page(get, "/admin/organisations/template.xlsx", SignedIn, s.registerTemplate)
	s.page(get, "/admin/organisations/:id", SignedIn, s.adminOrganisationPage)
	s.page(post, "/admin/organisations/:id/:act", SignedIn, s.changeOrganisation)
	s.page(get, "/admin/desks/:id", SignedIn, s.adminDeskPage)
	s.page(post, "/admin/desks/:id/:act", SignedIn, s.changeDesk)
	s.page(get, "/admin/desks/:id/cameras/new", SignedIn, s.newCameraPage)
	s.page(post, "/admin/desks/:id/cameras", SignedIn, s.addCamera)
	s.page(get, "/admin/cameras/:id", SignedIn, s.cameraPage)
	s.page(post, "/admin/cameras/:id", SignedIn, s.changeCamera)
	s.page(post, "/admin/cameras/:id/try", SignedIn, s.tryCamera)
	s.page(get, "/admin/relays", SignedIn, s.relaysPage)
	s.page(post, "/admin/relays", SignedIn, s.addRelay)
	s.page(post, "/admin/relays/:id/end", SignedIn, s.endRelay)
	s.page(post, "/admin/posts/:id/:act", SignedIn, s.changePost)
	s.page(get, "/admin/people", SignedIn, s.adminPeoplePage)
	s.page(post, "/admin/people", SignedIn, s.addPerson)
	s.page(get, "/admin/people/:id", SignedIn, s.adminPersonPage)
	s.page(post, "/admin/people/:id/:act", SignedIn, s.changePerson)
	s.page(post, "/admin/people/:id/roles/:role/end", SignedIn, s.endRole)
	s.page(post, "/admin/people/:id/roles/:role/void", SignedIn, s.voidRole)
	s.page(get, "/admin/calendars", SignedIn, s.adminCalendarsPage)
	s.page(post, "/admin/calendars", SignedIn, s.findCalendar)
	s.page(get, "/admin/calendars/:id", SignedIn, s.adminCalendarPage)
	s.page(post, "/admin/calendars/:id/:act", SignedIn, s.changeCalendar)
	s.page(get, "/admin/calendars/:id/import", SignedIn, s.daysImportPage)
	s.formWithFiles("/admin/calendars/:id/import", SignedIn, s.importDays)
	s.page(get, "/admin/deadlines", SignedIn, s.adminDeadlinesPage)
	s.page(post, "/admin/deadlines/:key", SignedIn, s.setDeadline)
	s.page(get, "/admin/checklists", SignedIn, s.adminChecklistsPage)
	s.page(post, "/admin/checklists/builtin", SignedIn, s.addBuiltInChecklist)
	s.page(get, "/admin/checklists/import", SignedIn, s.checklistImportPage)
	s.formWithFiles("/admin/checklists/import", SignedIn, s.importChecklist)
	s.page(get, "/admin/checklists/:id", SignedIn, s.adminChecklistPage)
	s.page(post, "/admin/checklists/:id/publish", SignedIn, s.publishChecklist)

	s.page(get, "/files/:id/:variant", SignedIn, s.filePage)
	s.page(get, "/tablet", Public, s.tabletRedirect)
	s.page(get, "/tablet/", Public, s.tabletShell)
	s.page(get, "/tablet/sw.js", Public, s.tabletWorker)
	s.page(get, "/tablet/*", Public, s.tabletFile)
	s.page(get, "/static/*", Public, s.staticFile)
	s.page(get, "/admin/health", SignedIn, s.healthPage)
	s.page(get, "/admin/webhooks", SignedIn, s.webhooksPage)
	s.page(post, "/admin/webhooks", SignedIn, s.addWebhook)
	s.page(get, "/admin/webhooks/:id", SignedIn, s.webhookPage)
	s.page(post, "/admin/webhooks/:id/:act", SignedIn, s.changeWebhook)
	s.page(post, "/admin/webhooks/:id/deliveries/:delivery", SignedIn, s.resendWebhook)
	s.signed(post, "/relay/v1/jobs", s.relayJobs)
	s.signed(http.MethodPut, "/relay/v1/jobs/:id", s.relayDelivers)
	s.page(get, "/healthz", Public, s.healthz)
	s.page(get, "/readyz", Public, s.readyz)

	s.apiRoutes()
}

// page registers a handler with its permission. What can be read can be asked for by
// HEAD too (RFC 9110 §9.1); a form is looked at before its handler runs.
func (s *Server) page(method, path string, p Permission, h echo.HandlerFunc) {
	if method == http.MethodPost {
		h = s.plainForm(h)
	} else {
		s.permissions[http.MethodHead+" "+path] = p
		s.echo.Add(http.MethodHead, path, s.allow(p, h))
	}
	s.permissions[method+" "+path] = p
	s.echo.Add(method, path, s.allow(p, h))
}

// formWithFiles registers a form that may carry files; all others carry text only.
func (s *Server) formWithFiles(path string, p Permission, h echo.HandlerFunc) {
	s.takes[http.MethodPost+" "+path] = true
	s.page(http.MethodPost, path, p, h)
}

// signed registers a handler that looks at the signature of a relay itself.
func (s *Server) signed(method, path string, h echo.HandlerFunc) {
	s.permissions[method+" "+path] = ByRelay
	s.echo.Add(method, path, h)
}

// Route is a line of the route table.
type Route struct {
	Method, Path string
	Permission   Permission // empty: none was declared
}

// Routes lists every route, for tests that walk them all.
func (s *Server) Routes() []Route {
	var out []Route
	for _, r := range s.echo.Routes() {
		if r.Method != echo.RouteNotFound {
			out = append(out, Route{r.Method, r.Path, s.permissions[r.Method+" "+r.Path]})
		}
	}
	return out
}

type echoKey struct{}

// apiRoutes sets the API up: OpenAPI 3.1, problems instead of huma's errors.
func (s *Server) apiRoutes() {
	humaErrors()
	config := huma.DefaultConfig("congvu", s.config.Version)
	config.DocsPath = ""
	config.OpenAPIPath = "/api/v1/openapi"
	config.SchemasPath = ""  // the schemas stand in the one document
	config.CreateHooks = nil // no $schema links in answers
	config.Info.Description = "Kiểm tra công vụ: các thao tác tại chỗ, bằng chứng, tồn tại và khắc phục."
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"session": {Type: "apiKey", In: "cookie", Name: "congvu"}}
	if s.config.URL != nil {
		config.Servers = []*huma.Server{{URL: s.config.URL.String()}}
	}
	s.echo.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			c.SetRequest(r.WithContext(context.WithValue(r.Context(), echoKey{}, c)))
			return next(c)
		}
	})
	s.api = humaecho.New(s.echo, config)
	for _, r := range s.echo.Routes() {
		if strings.HasPrefix(r.Path, "/api/v1/openapi") { // the description of the API
			s.permissions[r.Method+" "+r.Path] = Public
		}
	}
	s.apiSessions()
	s.apiVisits()
	s.apiFiles()
	s.apiFindings()
	s.apiCameras()
}

// call registers an API operation with its permission. The handler gets the actor
// of the session; its error becomes a problem.
func call[In, Out any](s *Server, p Permission, op huma.Operation, h func(ctx context.Context, a inspection.Actor, in *In) (*Out, error)) {
	path := strings.NewReplacer("{", ":", "}", "").Replace(op.Path)
	s.permissions[op.Method+" "+path] = p
	if p != Public {
		op.Security = []map[string][]string{{"session": {}}}
	}
	if op.BodyReadTimeout == 0 {
		op.BodyReadTimeout = 2 * time.Minute // a tablet on a poor line; it bounds the whole request, not only its body
	}
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity)
	if op.OperationID == "" {
		op.OperationID = strings.ToLower(op.Method) + "-" + strings.Trim(strings.NewReplacer("/api/v1/", "", "/", "-", "{", "", "}", "").Replace(op.Path), "-")
	}
	huma.Register(s.api, op, func(ctx context.Context, in *In) (*Out, error) {
		c := ctx.Value(echoKey{}).(echo.Context)
		var out *Out
		err := s.allow(p, func(echo.Context) (err error) {
			out, err = h(ctx, actor(c), in)
			return err
		})(c)
		if err != nil {
			return nil, s.apiError(c, err)
		}
		return out, nil
	})
}

// requestOf is the request behind an API call, for the few handlers that stream.
func requestOf(ctx context.Context) echo.Context { return ctx.Value(echoKey{}).(echo.Context) }
