package main

import (
	"testing"
)

// TestTheFollowUpOnAPhone walks the pages that carry a finding to its end, as the demo
// has them: the day of a head on a phone, of a lead and of the chair, the terms of the
// office, needs, recommendations and acts on many. Each fits every screen.
func TestTheFollowUpOnAPhone(t *testing.T) {
	t.Parallel()
	s := &story{t: t, base: launch{sub: "demo"}.start(t).base}
	b := s.open("head", phone, "thutruong2")
	b.open("/inbox")
	b.sees("Việc cần làm hôm nay")
	b.everyLook("inbox-head")
	b.open("/delegations")
	b.sees("Ủy quyền")
	b.everyLook("delegations")
	b.open("/needs")
	b.sees("Nhu cầu cơ sở vật chất")
	b.everyLook("needs")

	l := s.open("lead", tablet, "truongdoan")
	l.open("/inbox")
	l.sees("Việc cần làm hôm nay")
	l.everyLook("inbox-lead")
	l.open("/bulk")
	l.sees("Làm nhiều tồn tại một lúc")
	l.everyLook("bulk")

	c := s.open("chair", office, "chutich")
	c.open("/inbox")
	c.sees("Việc cần làm hôm nay")
	c.everyLook("inbox-chair")
	c.open("/recommendations")
	c.sees("Kiến nghị xử lý trách nhiệm")
	c.everyLook("recommendations")

	a := s.open("admin", office, "quantri")
	a.open("/admin/deadlines")
	a.sees("Thời hạn và nhắc việc")
	a.everyLook("deadlines")
}
