package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/i18n"
	"congvu/inspection/tablein"

	"github.com/urfave/cli/v3"
)

// importer is the actor behind imports at the command line.
func importer() inspection.Actor {
	return inspection.Actor{Person: "command-line", Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
}

var dryRun = &cli.BoolFlag{Name: "dry-run", Usage: "check and report, change nothing"}

func (m *Main) importCommand() *cli.Command {
	return &cli.Command{Name: "import", Usage: "read units or a checklist from CSV or XLSX",
		Commands: []*cli.Command{
			{Name: "units", Usage: "administrative units and their lineage, both together", ArgsUsage: "UNITS LINEAGE (each .csv or .xlsx)", Flags: []cli.Flag{dryRun},
				Action: func(ctx context.Context, cmd *cli.Command) error {
					if cmd.NArg() != 2 {
						return cli.Exit("congvu import units UNITS LINEAGE", 2)
					}
					return m.withFiles(ctx, cmd.Args().Slice(), func(p *program, files []io.Reader) error {
						report, err := p.services.Org.ImportUnits(ctx, importer(), files[0], files[1], cmd.Bool("dry-run"))
						if err := m.bad(report.Bad); err != nil {
							return err
						}
						if err != nil {
							return err
						}
						for _, left := range report.LeftOut {
							fmt.Fprintf(m.Out, "%s dòng %d, cột %s: chưa xác định nên để trống\n", left.File, left.Line, left.Column)
						}
						fmt.Fprintf(m.Out, "Thêm %d, đổi %d, giữ nguyên %d.%s\n", report.Added, report.Changed, report.Same, applied(report.Applied))
						return m.bad(report.Bad)
					})
				}},
			{Name: "checklist", Usage: "a version of a checklist as a draft, with its legal bases", ArgsUsage: "CHECKLIST BASES [GUIDANCE] (each .csv or .xlsx)",
				Flags: []cli.Flag{dryRun, &cli.BoolFlag{Name: "publish", Usage: "publish the draft: from then on it never changes"}, &cli.StringFlag{Name: "key", Value: "cong-vu", Usage: "name of the checklist through its versions"},
					&cli.StringFlag{Name: "title", Value: "Bảng kiểm tra công vụ tại Bộ phận Một cửa", Usage: "title"}},
				Action: func(ctx context.Context, cmd *cli.Command) error {
					if cmd.NArg() < 2 || cmd.NArg() > 3 {
						return cli.Exit("congvu import checklist CHECKLIST BASES [GUIDANCE]", 2)
					}
					return m.withFiles(ctx, cmd.Args().Slice(), func(p *program, files []io.Reader) error {
						in := checklist.Files{Checklist: files[0], Bases: files[1]}
						if len(files) == 3 {
							in.Guidance = files[2]
						}
						c, report, err := p.services.Checklists.Import(ctx, importer(), checklist.Title{Key: cmd.String("key"), VI: cmd.String("title")}, in, cmd.Bool("dry-run"))
						if err := m.bad(report.Bad); err != nil {
							return err
						}
						if err != nil {
							return err
						}
						fmt.Fprintf(m.Out, "%d mục, %d căn cứ.%s\n", report.Items, report.Bases, applied(report.Applied))
						if report.Applied {
							fmt.Fprintf(m.Out, "Bản nháp số %d, mã %s.\n", c.Number, c.ID)
						}
						if err := m.bad(report.Bad); err != nil || !report.Applied || !cmd.Bool("publish") {
							return err
						}
						if err := p.services.Checklists.Publish(ctx, importer(), c.ID, c.Version); err != nil {
							return err
						}
						fmt.Fprintf(m.Out, "Đã công bố; phiên bản này không đổi nữa.\n")
						return nil
					})
				}},
		}}
}

func applied(yes bool) string {
	if yes {
		return ""
	}
	return " Không có gì thay đổi."
}

// bad prints every bad row; with one the command fails.
func (m *Main) bad(problems []tablein.Problem) error {
	for _, b := range problems {
		place := fmt.Sprintf("dòng %d", b.Line)
		if b.Cell != "" {
			place = "ô " + b.Cell
		}
		fmt.Fprintf(m.Err, "%s %s: %s\n", b.File, place, i18n.T(i18n.VI, b.Key, b.Params))
	}
	if len(problems) > 0 {
		return fmt.Errorf("%d dòng chưa đúng; không có gì được ghi", len(problems))
	}
	return nil
}

func (m *Main) withFiles(ctx context.Context, paths []string, do func(*program, []io.Reader) error) error {
	var files []io.Reader
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		files = append(files, f)
	}
	return m.with(ctx, func(p *program) error { return do(p, files) })
}
