// Package plan owns what is to be checked before it is: campaigns, teams, targets,
// and who has been told of a target.
//
// What is planned and what is visited are two records. A target is the only record
// that names unit, desk, day, time and members; until check-in it exists for its
// lead and for each member to whom the lead has opened it, for nobody else: not in
// lists, counts, search, exports or error texts, and history before that names the
// target's id only. The check itself is made from it by package visit.
//
// Where the lead leads the team no more, the target is the head's of today. Nothing that
// the package says to who manages campaigns and teams depends on a target or on a check:
// it follows from what they may read. What is refused because of a unit, the lead and the
// people told are refused, at sealing, telling and check-in.
//
// A campaign keeps who signed its decision apart from who decides today. Cancelled and
// dissolved ends what is new, not the follow-up: people come and go, what was found is
// inspected again.
//
// Units and desks keep the row that they were planned with. What has become of them is
// followed where it counts: places are offered and targets accepted under today's names,
// and a check-in is of who stands for the unit and the desk on its day, or is refused.
//
// The package does not own people and their roles (package org): the members of a
// team are the persons who hold a role in it.
package plan
