// Command compare is this program's side of scripts/compare/compare.py: a
// worker that does one piece of work for each line it reads, and prints the
// seconds it took; at the end of input, its peak memory in bytes.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/train"
	"github.com/icl-msr/icl-msr/transforms"
)

func main() {
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// task is what the command line asks for.
type task struct {
	mode, method, arch string
	batch, threads     int
	place
}

func parse(args []string) (task, error) {
	if len(args) < 5 || len(args) > 7 {
		return task{}, errors.New("usage: compare " +
			"augment|pictures|probe|knn|step|msr-step|rank-step|rank-step-local|meta-WAY METHOD ARCH BATCH THREADS " +
			"[DEVICE [SIZE]]")
	}
	batch, err1 := strconv.Atoi(args[3])
	threads, err2 := strconv.Atoi(args[4])
	at, err3 := parsePlace(args[5:])
	return task{args[0], args[1], args[2], batch, threads, at}, errors.Join(err1, err2, err3)
}

func work() error {
	t, err := parse(os.Args[1:])
	if err != nil {
		return err
	}
	torch.KeepMemory() // as the program does
	runtime.LockOSThread()
	if err := torch.SetThreads(t.threads); err != nil {
		return err
	}
	s := torch.NewScope()
	defer s.Close()
	switch {
	case t.mode == "augment":
		err = each(augment(t.batch))
	case t.mode == "probe" || t.mode == "knn":
		err = t.evaluate(s)
	case t.mode == "pictures":
		err = t.pictureViews()
	case strings.HasPrefix(t.mode, "rank-step"):
		err = t.rankSteps(s)
	case strings.HasSuffix(t.mode, "step"):
		err = t.trainSteps(s)
	default:
		err = t.metaSteps(s, meta.GradientMethod(strings.TrimPrefix(t.mode, "meta-")))
	}
	if err != nil {
		return err
	}
	return t.printPeak()
}

// each does one piece of work for each line of input.
func each(do func() error) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		start := time.Now()
		if err := do(); err != nil {
			return err
		}
		fmt.Println(time.Since(start).Seconds())
	}
	return lines.Err()
}

func printHostPeak() error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for _, l := range strings.Split(string(status), "\n") {
		if kb, ok := strings.CutPrefix(l, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.Fields(kb)[0])
			fmt.Println(n * 1024)
			return err
		}
	}
	return errors.New("no peak memory in /proc/self/status")
}

// state is the method on its backbone, and f_msr.
func (t task) state(s *torch.Scope, msr bool) (*meta.State, error) {
	c := train.Default()
	c.Method, c.UseMSR, c.Arch, c.Stem = t.method, msr, t.arch, string(t.stem())
	c.MethodConfig.Temperature, c.MethodConfig.Prototypes = methods.RecipeOf(t.method).Temperature, []int64{300}
	switch t.method {
	case "pcl":
		c.MethodConfig.Prototypes, c.MethodConfig.Options = []int64{8, 16}, map[string]float64{"warmup": 0}
	case "w_mse":
		c.MethodConfig.Options = map[string]float64{"epsilon": 0.01}
	}
	m, f, err := c.Model(t.batch)
	if err != nil {
		return nil, err
	}
	adam := nets.OptimizerConfig{Name: "adam", WeightDecay: 1e-6}
	return meta.NewState(s, meta.StateOptions{Model: m, MSR: f, Seed: 1, Options: t.options(), Optimizer: adam})
}

// pictures is one batch of noise, in the method's views.
func (t task) pictures(m *model.Model) meta.HostBatch {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(side int) []float32 {
		x := make([]float32, t.batch*3*side*side)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	b := meta.HostBatch{N: t.batch, Size: t.size, Plain: draw(t.size)}
	for _, v := range m.Views() {
		side := t.size
		if v == model.Small {
			side = t.size * 3 / 8
		}
		b.Sizes, b.Views = append(b.Sizes, side), append(b.Views, draw(side))
	}
	for i := range t.batch {
		b.Indices = append(b.Indices, int64(i))
	}
	return b
}

// asked yields the batch once for each line of input; the step's end prints the
// time. It is an epoch without an end.
type asked struct {
	batch meta.HostBatch
	start *time.Time
}

func (a asked) Steps() int            { return math.MaxInt32 }
func (a asked) Waited() time.Duration { return 0 }

func (a asked) Survey(context.Context) iter.Seq2[meta.HostBatch, error] {
	return func(yield func(meta.HostBatch, error) bool) { yield(a.batch, nil) }
}

func (a asked) Batches(context.Context, uint64, int, int) iter.Seq2[meta.HostBatch, error] {
	return func(yield func(meta.HostBatch, error) bool) {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			*a.start = time.Now()
			if !yield(a.batch, nil) {
				return
			}
		}
		yield(meta.HostBatch{}, errors.Join(io.EOF, lines.Err()))
	}
}

// trainSteps are regular steps, of the trainer itself.
func (t task) trainSteps(s *torch.Scope) error {
	st, err := t.state(s, t.mode == "msr-step")
	if err != nil {
		return err
	}
	src := asked{t.upload(s, t.pictures(st.Model)), new(time.Time)}
	if s.Err() != nil {
		return s.Err()
	}
	return src.train(st, nil, false, func() error {
		err := torch.Synchronize(t.device)
		fmt.Println(time.Since(*src.start).Seconds())
		return err
	})
}

// train runs the trainer until the end of input, and calls after at each step's
// end; local norms are those of each rank by itself.
func (a asked) train(st *meta.State, g *torch.Group, local bool, after func() error) error {
	trainer := meta.Trainer{State: st, Config: meta.Default(), Source: a, Schedule: nets.Schedule{Kind: "constant",
		LR: 3e-3, Epochs: 1, Steps: a.Steps()},
		Exec:  model.Exec{Group: g, SyncBatchNorm: !local},
		Hooks: []meta.Hook{{OnStep: func(meta.Step) error { return after() }}}}
	if err := trainer.Run(context.Background()); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// metaSteps are meta gradients, and Adam on f_msr.
func (t task) metaSteps(s *torch.Scope, way meta.GradientMethod) error {
	st, err := t.state(s, true)
	if err != nil {
		return err
	}
	b, o := t.pictures(st.Model), t.options()
	upload := func(x []float32, side int) torch.Tensor {
		return torch.FromSlice(s, x, o.Device, int64(b.N), 3, int64(side), int64(side))
	}
	p := meta.Problem{Model: st.Model, Config: meta.Default(), MSR: st.MSR, Theta: st.Theta, Buffers: st.Buffers,
		ModelState: st.ModelState, Phi: st.Phi, PhiBuffers: st.PhiBuffers,
		Clock: model.Clock{Step: 1000, Steps: 2000}}
	p.Config.GradientMethod = way
	p.Inner = model.Batch{Plain: upload(b.Plain, b.Size), Indices: torch.FromSlice(s, b.Indices, o.Device, int64(b.N))}
	for v, x := range b.Views {
		p.Inner.Views = append(p.Inner.Views, upload(x, b.Sizes[v]))
	}
	p.Outer = p.Inner
	return each(func() error {
		return torch.With(func(u *torch.Scope) error {
			r, err := p.Gradient(u)
			if err != nil {
				return err
			}
			st.PhiOpt.Step(u, p.Phi, r.Grad, 1e-3)
			return errors.Join(u.Err(), torch.Synchronize(t.device))
		})
	})
}

// evaluate fits a linear probe for 5 epochs on BATCH rows of 512 features, or
// finds the 5 nearest of them for a tenth as many.
func (t task) evaluate(s *torch.Scope) error {
	rows := func(n int) eval.Features {
		f := eval.Features{X: s.Normal(0, 1, torch.Float32(), int64(n), 512), Classes: 100}
		for i := range n {
			f.Labels = append(f.Labels, int64(i%100))
		}
		return f
	}
	known, asked := rows(t.batch), rows(t.batch/10)
	if s.Err() != nil {
		return s.Err()
	}
	c := eval.DefaultLinear()
	c.Epochs = 5
	return each(func() error {
		if t.mode == "knn" {
			_, err := eval.KNN(asked, known, eval.DefaultKNN())
			return err
		}
		return torch.With(func(u *torch.Scope) error {
			_, err := eval.FitLinear(context.Background(), u, known, c)
			return err
		})
	})
}

// pictureViews decodes JPEG files (METHOD names the folder) and makes two views
// of 224 pixels of each.
func (t task) pictureViews() error {
	names, err := filepath.Glob(filepath.Join(t.method, "*.jpg"))
	if err != nil || len(names) == 0 {
		return fmt.Errorf("no pictures in %s: %w", t.method, err)
	}
	p, rng := transforms.ImageNet().View, rand.New(rand.NewPCG(1, 2))
	dst := make([]float32, 3*224*224)
	var b transforms.Scratch
	return each(func() error {
		for i := range t.batch {
			data, err := os.ReadFile(names[i%len(names)])
			if err != nil {
				return err
			}
			m, err := datasets.Decode(data)
			if err != nil {
				return err
			}
			for range 2 {
				if err := p.Apply(dst, transforms.Whole(m), rng, &b); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func augment(views int) func() error {
	p, rng := transforms.CIFAR().View, rand.New(rand.NewPCG(1, 2))
	m := transforms.NewImage(32, 32)
	for i := range m.Pix {
		m.Pix[i] = uint8(rng.UintN(256))
	}
	dst := make([]float32, 3*32*32)
	var b transforms.Scratch
	return func() error {
		for range views {
			if err := p.Apply(dst, transforms.Whole(m), rng, &b); err != nil {
				return err
			}
		}
		return nil
	}
}
