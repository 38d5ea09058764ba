//go:build faults

package fault_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"signalbox/internal/fault"
)

// child is set in the environment of a copy of this test that passes points under a plan of its own.
const child = "SIGNALBOX_FAULT_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) == "" {
		os.Exit(m.Run())
	}
	for range 3 {
		if err := fault.Err("room.point"); err != nil {
			if !errors.Is(err, fault.ErrInjected) {
				os.Exit(3)
			}
			os.Stdout.WriteString("failed ")
			continue
		}
		os.Stdout.WriteString("passed ")
	}
	fault.Point("room.other")
	if d := fault.Shift(); d != 0 {
		fmt.Print("shifted by ", d)
	}
	os.Exit(0)
}

// run passes room.point three times and room.other once under a plan.
func run(t *testing.T, plan string) (printed, reached string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "reached")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), child+"=1", "SIGNALBOX_FAULTS="+plan, "SIGNALBOX_FAULTS_REACHED="+file)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	text, readErr := os.ReadFile(file)
	if readErr != nil && !errors.Is(readErr, os.ErrNotExist) {
		t.Fatal(readErr)
	}
	return out.String(), string(text), err
}

func TestPlan_ErrorBeginsAtItsPassage(t *testing.T) {
	t.Parallel()
	printed, reached, err := run(t, "room.point=error@2")
	if err != nil || printed != "passed failed failed " || reached != "room.point\nroom.other\n" {
		t.Errorf("printed %q, reached %q, %v", printed, reached, err)
	}
}

func TestPlan_NoneLetsEverythingPass(t *testing.T) {
	t.Parallel()
	if printed, _, err := run(t, ""); err != nil || printed != "passed passed passed " {
		t.Errorf("printed %q, %v", printed, err)
	}
}

func TestPlan_KillIsSIGKILLAtThePassage(t *testing.T) {
	t.Parallel()
	printed, _, err := run(t, "room.point=kill@3;room.other=error")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL || printed != "passed passed " {
		t.Errorf("printed %q, ended with %v, want SIGKILL at the third passage", printed, err)
	}
}

func TestPlan_SleepHoldsTheCaller(t *testing.T) {
	t.Parallel()
	if printed, _, err := run(t, "room.point=sleep:1ms"); err != nil || printed != "passed passed passed " {
		t.Errorf("printed %q, %v", printed, err)
	}
}

func TestPlan_ShiftMovesTheClockAndIsNoted(t *testing.T) {
	t.Parallel()
	printed, reached, err := run(t, "clock=shift:-1h")
	if err != nil || printed != "passed passed passed shifted by -1h0m0s" || reached != "room.point\nroom.other\nclock\n" {
		t.Errorf("printed %q, reached %q, %v", printed, reached, err)
	}
}

func TestPlan_WhatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	for _, plan := range []string{"room.point", "room.point=explode", "room.point=kill@soon", "room.point=sleep:long", "clock=shift:far", "clock=error", "room.point=shift:1h"} {
		printed, _, err := run(t, plan)
		if err == nil || !strings.Contains(printed, "SIGNALBOX_FAULTS:") {
			t.Errorf("%q: printed %q, %v, want a refusal", plan, printed, err)
		}
	}
}
