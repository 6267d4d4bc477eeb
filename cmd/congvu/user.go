package main

import (
	"context"
	"fmt"

	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/org"

	"github.com/urfave/cli/v3"
	"gorm.io/gorm"
)

// operator is who sits at the command line: whoever can run the program against the
// database has it in hand anyway; history names the act, not a person.
func (m *Main) operator() org.Act {
	return org.Act{Capacity: inspection.Capacity{Role: inspection.SysAdmin}, At: m.Clock.Now()}
}

func (m *Main) userCommand() *cli.Command {
	return &cli.Command{Name: "user", Usage: "accounts: add one, give one a new password",
		Commands: []*cli.Command{
			{Name: "add", Usage: "add a person with an account and a role; prints the first password", ArgsUsage: "USERNAME",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "name", Usage: "name as it is shown", Required: true},
					&cli.StringFlag{Name: "position", Usage: "position"},
					&cli.StringFlag{Name: "role", Usage: "role, for example sysadmin", Value: string(inspection.SysAdmin)},
					&cli.StringFlag{Name: "organisation", Usage: "key of the organisation that the role is held in; sysadmin needs none"},
				},
				Action: func(ctx context.Context, cmd *cli.Command) error {
					if cmd.NArg() != 1 {
						return cli.Exit("congvu user add --name NAME USERNAME", 2)
					}
					return m.with(ctx, func(p *program) error {
						password, err := m.addUser(ctx, p.db, cmd.Args().First(), cmd.String("name"), cmd.String("position"),
							inspection.Role(cmd.String("role")), cmd.String("organisation"))
						if err != nil {
							return err
						}
						fmt.Fprintf(m.Out, "Tài khoản %s, mật khẩu lần đầu: %s (phải đổi khi đăng nhập)\n", auth.Fold(cmd.Args().First()), password)
						return nil
					})
				}},
			{Name: "reset", Usage: "give an account a new first password and end its sessions", ArgsUsage: "USERNAME",
				Action: func(ctx context.Context, cmd *cli.Command) error {
					if cmd.NArg() != 1 {
						return cli.Exit("congvu user reset USERNAME", 2)
					}
					return m.with(ctx, func(p *program) error {
						password, err := p.services.Auth.ResetAs(ctx, m.operator(), cmd.Args().First())
						if err != nil {
							return err
						}
						fmt.Fprintf(m.Out, "Tài khoản %s, mật khẩu mới: %s (phải đổi khi đăng nhập)\n", auth.Fold(cmd.Args().First()), password)
						return nil
					})
				}},
		}}
}

// with runs a command on the opened program.
func (m *Main) with(ctx context.Context, do func(*program) error, but ...func(*Config)) error {
	c, err := m.config()
	if err != nil {
		return err
	}
	for _, change := range but {
		change(&c)
	}
	p, err := m.open(ctx, c)
	if err != nil {
		return err
	}
	defer p.close()
	return do(p)
}

func (m *Main) addUser(ctx context.Context, db *gorm.DB, username, name, position string, role inspection.Role, organisation string) (string, error) {
	person := inspection.NewID()
	prepared, password, err := auth.PrepareUser(ctx, auth.NewUser{PersonID: person, Username: username, MustChange: true})
	if err != nil {
		return "", err
	}
	err = db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		act := m.operator()
		if _, err := org.CreatePerson(tx, act, org.Person{ID: person, Name: name, Position: position}); err != nil {
			return err
		}
		grant := org.RoleRow{PersonID: person, Role: role}
		if organisation != "" {
			o, err := org.OrganisationByKey(tx, organisation)
			if err != nil {
				return err
			}
			grant.OrganisationID = &o.ID
		}
		if _, err := org.Grant(tx, act, grant); err != nil {
			return err
		}
		_, err := auth.Create(tx, act, prepared)
		return err
	})
	return password, err
}
