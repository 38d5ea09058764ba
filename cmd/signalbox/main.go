// Command signalbox runs a Signalbox server and talks to one: flags to calls, and nothing else.
//
// It refuses to decide anything about signals or deliveries: serve and demo start the program of package app, every other command
// speaks to a server through package client, import and export with files of package sheet beside it, and verify through package
// sign. workspaces, migrate and move open a data directory by themselves, and only while no server has it open.
//
// Invariants: the exit status is 0 when all went well, 1 when something failed and 2 when the command line was wrong; what a
// program may read goes to standard output, everything said to people about problems to standard error; a secret is printed
// once, when it is made, and never read back; colours, bars and secrets appear on a terminal only, unless asked for.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2) // none is lost, however quickly the second one follows
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel() // the first signal asks for an orderly end
		if <-signals == syscall.SIGTERM {
			os.Exit(endedBySignal + int(syscall.SIGTERM))
		}
		os.Exit(endedBySignal + int(syscall.SIGINT))
	}()
	os.Exit(system().run(ctx, os.Args[1:]))
}

// endedBySignal is what shells add to a signal's number to tell an exit by it.
const endedBySignal = 128
