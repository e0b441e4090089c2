// Command compare is this program's side of scripts/compare/compare.py: a
// worker that does one piece of work for each line it reads, and prints the
// seconds it took; at the end of input, its peak memory in bytes.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/transforms"
)

func main() {
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func work() error {
	if len(os.Args) != 4 {
		return errors.New("usage: compare step|meta-unrolled|meta-forward-mode|augment BATCH THREADS")
	}
	batch, err1 := strconv.ParseInt(os.Args[2], 10, 64)
	threads, err2 := strconv.Atoi(os.Args[3])
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := libtorch.SetThreads(threads); err != nil {
		return err
	}
	s := libtorch.NewScope()
	defer s.Close()
	var do func() error
	var err error
	switch mode := os.Args[1]; mode {
	case "augment":
		do = augment(int(batch))
	case "step":
		do, err = trainStep(s, batch)
	default:
		do, err = metaStep(s, batch, meta.Gradient(strings.TrimPrefix(mode, "meta-")))
	}
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		start := time.Now()
		if err := do(); err != nil {
			return err
		}
		fmt.Println(time.Since(start).Seconds())
	}
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

// problem is ResNet-18 with the CIFAR stem, SimCLR's head and f_msr, on noise.
func problem(s *libtorch.Scope, batch int64) (meta.Problem, error) {
	backbone, err := nets.NewBackbone("resnet18", nets.StemCIFAR, 1)
	if err != nil {
		return meta.Problem{}, err
	}
	m, err := methods.New("simclr", methods.Config{Temperature: 0.5, Hidden: 1024, Dim: 64})
	if err != nil {
		return meta.Problem{}, err
	}
	l, err := methods.NewModel(m, backbone)
	if err != nil {
		return meta.Problem{}, err
	}
	o := libtorch.Float32()
	msr, err := nets.NewMSR(nets.MSRConfig{Trunk: "conv4", Width: 1, N: 6, C: 64})
	if err != nil {
		return meta.Problem{}, err
	}
	p := meta.Problem{Model: l, Config: meta.Default(), MSR: msr,
		Theta: nets.Initialize(s, l.Params(), o), Buffers: nets.Initialize(s, l.Buffers(), o),
		Phi: nets.Initialize(s, msr.Params(), o), PhiBuffers: nets.Initialize(s, msr.Buffers(), o)}
	p.Inner = methods.Batch{Plain: s.Normal(0, 1, o, batch, 3, 32, 32),
		Views: []libtorch.Tensor{s.Normal(0, 1, o, batch, 3, 32, 32), s.Normal(0, 1, o, batch, 3, 32, 32)}}
	p.Outer = p.Inner
	return p, s.Err()
}

func trainStep(s *libtorch.Scope, batch int64) (func() error, error) {
	p, err := problem(s, batch)
	if err != nil {
		return nil, err
	}
	adam, err := nets.NewOptimizer(s, nets.OptimizerConfig{Name: "adam", WeightDecay: 1e-6}, p.Params(), p.Theta)
	return func() error {
		return libtorch.With(func(t *libtorch.Scope) error {
			theta := t.Leaves(p.Theta)
			q := &methods.Pass{Model: p.Model, Theta: theta, Buffers: p.Buffers, Batch: p.Inner, Mode: nets.Train()}
			q.Forward(t)
			loss := q.Loss(t, q)
			adam.Step(t, p.Theta, t.Grad([]libtorch.Tensor{loss}, theta, libtorch.GradOptions{}), 3e-3)
			t.Item(loss)
			return t.Err()
		})
	}, err
}

func metaStep(s *libtorch.Scope, batch int64, way meta.Gradient) (func() error, error) {
	p, err := problem(s, batch)
	if err != nil {
		return nil, err
	}
	p.Config.Gradient = way
	adam, err := nets.NewOptimizer(s, nets.OptimizerConfig{Name: "adam"}, p.MSR.Params(), p.Phi)
	return func() error {
		return libtorch.With(func(t *libtorch.Scope) error {
			r, err := p.Gradient(t)
			if err != nil {
				return err
			}
			adam.Step(t, p.Phi, r.Grad, 1e-3)
			return t.Err()
		})
	}, err
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
			if err := p.Apply(dst, m, rng, &b); err != nil {
				return err
			}
		}
		return nil
	}
}
