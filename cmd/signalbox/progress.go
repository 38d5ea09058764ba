package main

import (
	"fmt"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bar shows on a terminal how far something is, stage by stage. Elsewhere it shows nothing.
type bar struct {
	p     *program
	stage string
	bars  *mpb.Progress
	one   *mpb.Bar
}

func (p *program) newBar() *bar { return &bar{p: p} }

// show says how far a stage is; with a total of 0 nobody knows how much there will be, and bytes are shown.
func (b *bar) show(stage string, done, total int64) {
	if !b.p.terminal {
		return
	}
	if stage != b.stage {
		b.end()
		b.stage = stage
		b.bars = mpb.New(mpb.WithOutput(b.p.stderr), mpb.WithWidth(40), mpb.WithAutoRefresh())
		name := mpb.PrependDecorators(decor.Name(fmt.Sprintf("%-8s", stage)))
		if total > 0 {
			b.one = b.bars.AddBar(total, name, mpb.AppendDecorators(decor.Percentage(), decor.Name("  "), decor.AverageETA(decor.ET_STYLE_GO)))
		} else {
			b.one = b.bars.AddSpinner(0, name, mpb.AppendDecorators(decor.CurrentKibiByte("% .1f")))
		}
	}
	b.one.SetCurrent(done)
}

// end takes the bar away, as far as it came.
func (b *bar) end() {
	if b.bars == nil {
		return
	}
	b.one.Abort(false) // without effect once complete
	b.bars.Wait()
	b.bars, b.one, b.stage = nil, nil, ""
}
