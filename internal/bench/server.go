package bench

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime/pprof"
	"time"

	"signalbox/app"
)

// serverConfig is what the parent wants of the server.
type serverConfig struct {
	DataDir     string `json:"data_dir"`
	DatabaseURL string `json:"database_url,omitempty"`
	SecretKey   string `json:"secret_key,omitempty"`
	APIKey      string `json:"api_key"`
	Target      string `json:"target,omitempty"` // host:port of the receiver, the one place that it may send to
	Loopback    bool   `json:"loopback"`         // let it send anywhere on loopback instead
	Hold        bool   `json:"hold"`
}

// runServer is the program as `signalbox serve` runs it.
func runServer(ctx context.Context, p *parent, errOut io.Writer) error {
	var c serverConfig
	if err := p.in.Decode(&c); err != nil {
		return err
	}
	cfg := app.Config{
		Addr: "127.0.0.1:0", DataDir: c.DataDir, DatabaseURL: c.DatabaseURL, SecretKey: c.SecretKey, BootstrapAPIKey: c.APIKey, HoldDeliveries: c.Hold, DrainGrace: 5 * time.Second,
		Version: "bench", Log: slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if c.Target != "" {
		cfg.AllowTargets = []string{c.Target}
	}
	if c.Loopback {
		cfg.AllowTargets = []string{"127.0.0.0/8"}
	}
	app.TuneMemory()
	server, err := app.New(ctx, cfg)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- server.Run(ctx)
	}()
	prof := &profile{}
	err = p.out.Encode(listening{server.Addr()})
	if err == nil {
		err = p.orders(func(o order) any {
			if o.Do == "statements" {
				return statements{server.DB().Statements()}
			}
			return prof.obey(o)
		})
	}
	stop()
	return errors.Join(err, prof.stop(), <-ended)
}

// statements says how many statements a server has sent to PostgreSQL.
type statements struct {
	Sent int64 `json:"sent"`
}

// profile is a CPU profile of this process.
type profile struct{ file *os.File }

// obey starts a profile into the named file, or ends it.
func (p *profile) obey(o order) any {
	switch o.Do {
	case "profile":
		return doneWith(p.start(o.Arg))
	case "profiled":
		return doneWith(p.stop())
	}
	return done{}
}

func (p *profile) start(path string) (err error) {
	if err := p.stop(); err != nil {
		return err
	}
	if p.file, err = os.Create(path); err != nil {
		return err
	}
	return pprof.StartCPUProfile(p.file)
}

func (p *profile) stop() error {
	if p.file == nil {
		return nil
	}
	pprof.StopCPUProfile()
	file := p.file
	p.file = nil
	return file.Close()
}
