package main

import (
	"context"
	"fmt"

	"congvu/migrations"

	"github.com/urfave/cli/v3"
)

func (m *Main) migrateCommand() *cli.Command {
	return &cli.Command{Name: "migrate", Usage: "bring the schema of the database up to date",
		Action: func(ctx context.Context, _ *cli.Command) error {
			c, err := m.config()
			if err != nil {
				return err
			}
			db, err := migrations.Open(ctx, c.DSN())
			if err != nil {
				return err
			}
			defer migrations.Close(db)
			if err := migrations.Up(ctx, db); err != nil {
				return err
			}
			status, err := migrations.ReadStatus(ctx, db)
			if err != nil {
				return err
			}
			fmt.Fprintf(m.Out, "Lược đồ dữ liệu: phiên bản %d, mới nhất %d.\n", status.Current, status.Newest)
			return nil
		}}
}
