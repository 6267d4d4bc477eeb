// Command congvu checks public-service desks: it serves the pages, the tablet app
// and the API, and keeps the installation.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"congvu/inspection"

	"github.com/urfave/cli/v3"
)

// Main is the program as a value, so that a test can boot it.
type Main struct {
	Args    []string
	Environ []string
	Out     io.Writer
	Err     io.Writer
	Clock   inspection.Clock
}

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	syscall.Umask(0o077) // what the program writes is nobody else's, in folders that were there before too
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	m := Main{Args: os.Args, Environ: os.Environ(), Out: os.Stdout, Err: os.Stderr, Clock: systemClock()}
	if err := m.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "congvu:", explain(err))
		os.Exit(1)
	}
}

// gcPercent is how much may be added before the collector runs. Little lives long:
// collecting less often than Go's 100 saves a tenth of the processor under load.
const gcPercent = 200

// version of the program; the build may set it.
var version = "0.1.0"

// Run runs one command line until it ends or the context does.
func (m *Main) Run(ctx context.Context) error {
	root := &cli.Command{
		Name: "congvu", Usage: "kiểm tra công vụ: checks public-service desks", Version: version,
		Writer: m.Out, ErrWriter: m.Err, HideHelpCommand: true,
		ExitErrHandler: func(context.Context, *cli.Command, error) {},
		Commands:       []*cli.Command{m.serveCommand(), m.demoCommand(), m.migrateCommand(), m.userCommand(), m.importCommand(), m.backupCommand(), m.restoreCommand(), m.healthCommand(), m.relayCommand()},
	}
	return root.Run(ctx, m.Args)
}

// config reads the settings and sets the log up.
func (m *Main) config() (Config, error) {
	c, err := ReadConfig(m.Environ)
	if err != nil {
		return c, err
	}
	var handler slog.Handler = slog.NewTextHandler(m.Err, nil)
	if c.LogFormat == "json" {
		handler = slog.NewJSONHandler(m.Err, nil)
	}
	slog.SetDefault(slog.New(handler))
	return c, nil
}

// explain is an error as the command line says it: our own in words, with its
// cause.
func explain(err error) string {
	var e *inspection.Error
	if !errors.As(err, &e) {
		switch trouble := inspection.Trouble(err); {
		case trouble == nil:
			return err.Error()
		case trouble.Code == inspection.Full:
			return "đĩa đã hết chỗ, không ghi được; giải phóng chỗ rồi chạy lại: " + err.Error()
		}
		return "không tới được cơ sở dữ liệu hoặc kho ảnh, hoặc không ghi được; kiểm tra máy chủ, đường mạng và quyền ghi: " + err.Error()
	}
	words := sentence(e)
	if e.Err != nil {
		words += " (" + e.Err.Error() + ")"
	}
	return words
}
