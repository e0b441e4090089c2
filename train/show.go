package train

import (
	"fmt"
	"io"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/progress"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// norms tells which pictures the batch norms of a job see.
func (c *Config) norms() string {
	if c.SyncBatchNorm {
		return "batch norms over all"
	}
	return "batch norms of each process alone"
}

// announce prints what is trained on which data, and where a resumed run starts.
func announce(w io.Writer, c Config, st *meta.State, ds datasets.Dataset, out string) {
	name := c.Method
	if st.MSR != nil {
		name += fmt.Sprintf("+MSR (lambda %g, gamma %g, n %d, %s, %s", c.MSR.Lambda, c.MSR.Gamma, c.MSR.NumWeights,
			c.MSR.Space, c.MSR.GradientMethod)
		if c.MSR.Ablation != meta.NoAblation {
			name += ", ablation " + string(c.MSR.Ablation)
		}
		name += ")"
	}
	fmt.Fprintf(w, "%s on %s: %d pictures of %d classes; %s width %g, %.2f M parameters; %d epochs of batch %d, seed "+
		"%d, %d threads, %s -> %s\n",
		name, ds.Name(), ds.Len(), len(ds.Classes()), c.Arch, c.Width, float64(nets.Count(st.Params()))/1e6,
		c.Schedule.Epochs, c.BatchSize, c.Seed, torch.Threads(), c.Device, out)
	TellDevice(w, c.Machine)
	if st.Position.Step > 0 {
		fmt.Fprintf(w, "resumed at epoch %d, batch %d\n", st.Position.Epoch, st.Position.Batch)
	}
}

// show prints a run's progress.
type show struct {
	*progress.Progress
	w        io.Writer
	c        Config
	collapse *collapse
}

// newShow starts the progress of a run at position at. The total includes the meta steps.
func newShow(w io.Writer, c Config, steps int, at meta.Position) show {
	total := c.Schedule.Epochs * steps
	if m := c.Meta(); c.UseMSR && m.Trains() {
		total += c.Schedule.Epochs * ((steps + c.MSR.Every - 1) / c.MSR.Every)
	}
	return show{progress.New(w, "", total, at.Step+at.MetaSteps), w, c, &collapse{}}
}

// hook returns the hook that shows steps and epochs.
func (v show) hook() meta.Hook {
	return meta.Hook{
		Name: "progress",
		OnStep: func(s meta.Step) error {
			pass := ""
			if s.Phase == meta.MetaPhase {
				pass = " meta"
			}
			v.Step(s.Pictures, fmt.Sprintf("epoch %d/%d%s loss %.4f", s.Epoch+1, s.Epochs, pass, s.Loss))
			return nil
		},
		OnEpoch: func(st *meta.State, e meta.Epoch) error {
			v.Line(v.c.epochLine(e))
			if word := v.collapse.note(st.Method, v.c.BatchSize, e); word != nil {
				v.Line(field.Say(v.w, word))
			}
			return nil
		},
	}
}

// epochLine returns an epoch's figures in one line.
func (c *Config) epochLine(e meta.Epoch) string {
	line := fmt.Sprintf("epoch %d/%d  loss %.4f  lr %.2e  %.0f images/s  %.1f s", e.Epoch+1, c.Schedule.Epochs,
		e.Value("l_to"), e.Value("lr"), e.Value("images_per_second"), e.Value("seconds_regular"))
	if c.UseMSR {
		line += fmt.Sprintf(" + %.1f s meta  L_ct %.4f  L_msr %.4f  L_uni %.4f  |g_ct| %.2e  |g_uni| %.2e",
			e.Value("seconds_meta"), e.Value("l_ct"), e.Value("l_msr"), e.Value("l_uni"), e.Value("grad_norm_l_ct_fast"),
			e.Value("grad_norm_l_uni"))
	}
	return line
}
