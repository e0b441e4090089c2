package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/internal/progress"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
)

// embedOptions say what is written of which pictures.
type embedOptions struct {
	What, Format, Out, Part string
	BatchSize               int
	Resume, Force           bool
	Paths                   []string // pictures and folders; none: the data set
}

func embedFormats() []string { return []string{"npy", "safetensors", "csv", "jsonl"} }

func embed(ctx context.Context, p program, args []string) error {
	var o embedOptions
	f := flags(p, "embed", "--run DIR | --checkpoint FILE | --init FILE | --arch torchscript:FILE [flags] [PICTURE or FOLDER ...]")
	network := bindNetwork(f)
	data := bindData(f)
	f.StringVar(&o.Part, "part", "train", "of the data set: train or test")
	f.StringVar(&o.Out, "out", "", "file to write, - for standard output (csv, jsonl) (default features.FORMAT); what it is of is beside, in OUT.about.json")
	f.StringVar(&o.Format, "format", "", "npy and safetensors (names beside, in OUT.names.txt), csv or jsonl (default: as the name of --out ends)")
	f.StringVar(&o.What, "what", "features", "features (the backbone's, pooled) or projection (what the head makes of them)")
	f.BoolVar(&o.Resume, "resume", false, "go on with the half-written file of an interrupted run")
	f.BoolVar(&o.Force, "force", false, "write over an output that is there, and over a half-written one")
	bad := f.String("bad-pictures", "skip", "leave out pictures that cannot be read, with a warning, or stop")
	f.IntVar(&o.BatchSize, "batch-size", 256, "pictures of a forward pass")
	threads := f.Int("threads", 0, "threads of an operation (0: all cores)")
	workers := f.Int("workers", 0, "goroutines that read pictures (0: one for each core)")
	on := onCPU()
	on.bind(f)
	if err := parseFlags(f, args); err != nil {
		return err
	}
	o.Paths = f.Args()
	given := data.given()
	if f.Changed("part") {
		given = append(given, "--part")
	}
	if len(o.Paths) > 0 && len(given) > 0 {
		return usagef("give either pictures (%s, ...) or %s, which name a data set's", o.Paths[0], strings.Join(given, ", "))
	}
	if err := o.settle(); err != nil {
		return err
	}
	if err := o.check(network); err != nil {
		return err
	}
	k, err := network.pick()
	if err != nil {
		return err
	}
	if len(o.Paths) == 0 {
		if err := data.over(p.stderr, &k); err != nil {
			return fmt.Errorf("%w; or name pictures or folders of them", err)
		}
	}
	k.config.machine, k.config.Threads, k.config.Workers, k.config.BadPictures = on, *threads, *workers, *bad
	return embedInto(ctx, p, k, o)
}

// settle checks the options and completes them.
func (o *embedOptions) settle() error {
	known := embedFormats()
	if ending := strings.TrimPrefix(strings.ToLower(filepath.Ext(o.Out)), "."); o.Format == "" && slices.Contains(known, ending) {
		o.Format = ending
	}
	if o.Out == "" {
		o.Format = cmp.Or(o.Format, known[0])
		o.Out = "features." + o.Format
	}
	switch {
	case o.Format == "" && o.Out != "-" && isPictureName(o.Out): // output.check tells more
	case o.Format == "" && o.Out != "-":
		return usagef("--out %s: its ending tells no format; give --format %s", o.Out, strings.Join(known, ", "))
	case o.Format != "" && !slices.Contains(known, o.Format):
		return usage{suggest.Unknown("--format", o.Format, known)}
	case o.Out == "-" && (o.Format == "" || o.array() || o.Resume):
		return usagef("--out - writes csv or jsonl, from the start: give --format csv or jsonl, without --resume")
	case o.Resume && o.Force:
		return usagef("--resume goes on with what is there, --force begins anew: give one of them")
	}
	if what := []string{"features", "projection"}; !slices.Contains(what, o.What) {
		return usage{suggest.Unknown("--what", o.What, what)}
	}
	if parts := []string{"train", "test"}; !slices.Contains(parts, o.Part) {
		return usage{suggest.Unknown("--part", o.Part, parts)}
	}
	if o.BatchSize < 1 {
		return usagef("--batch-size %d: want 1 or more", o.BatchSize)
	}
	return nil
}

// check refuses outputs that would destroy something, and inputs that are not
// there, before anything is written.
func (o *embedOptions) check(n *networkFlags) error {
	if o.Out != "-" {
		inputs := append(n.files(), o.Paths...)
		if err := (output{flag: "--out", path: o.Out, force: o.Force || o.Resume, inputs: inputs}).check(); err != nil {
			return err
		}
	}
	for _, path := range o.Paths {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: no such file or folder", path)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// embedInto runs the network over the pictures, a batch after another.
func embedInto(ctx context.Context, p program, k checkpoint, o embedOptions) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := setThreads(k.config.Threads); err != nil {
		return err
	}
	ds, err := k.pictures(o)
	if err != nil {
		return err
	}
	unlock, err := o.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := o.ready(); err != nil {
		return err
	}
	s := libtorch.NewScope()
	defer s.Close()
	st, err := k.config.state(s, 0)
	if err != nil {
		return err
	}
	net, err := k.embedding(p.stderr, st, o.What)
	if err != nil {
		return err
	}
	out := &rowFile{o: o, dim: net.dim, w: bufio.NewWriter(p.stdout)}
	if o.Out != "-" {
		if out.about, err = k.about(o, ds, net); err != nil {
			return err
		}
		if o.Resume {
			if whole, err := o.found(out.about); err != nil {
				return err
			} else if whole {
				fmt.Fprintf(p.stderr, "%s is whole already\n", o.Out)
				return nil
			}
		}
		if err := out.open(); err != nil {
			return errors.Join(err, out.close())
		}
	}
	return out.fill(ctx, p, k, st, net, ds)
}

// lock keeps others from writing the same output.
func (o *embedOptions) lock() (unlock func() error, err error) {
	if o.Out == "-" {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(filepath.Dir(o.Out), 0o755); err != nil {
		return nil, err
	}
	l, err := atomicfile.TakeLock(o.Out + ".lock")
	if held := (*atomicfile.Held)(nil); errors.As(err, &held) {
		return nil, fmt.Errorf("%s is being written by process %s; wait for it, or choose another --out", o.Out, held.Process)
	}
	if err != nil {
		return nil, err
	}
	return l.Release, nil
}

// fill writes the rows that are not there yet.
func (r *rowFile) fill(ctx context.Context, p program, k checkpoint, st *meta.State, net embedding, ds datasets.Dataset) (err error) {
	defer func() { err = errors.Join(err, r.close()) }()
	from, err := r.takeUp(ds)
	if err != nil {
		return err
	}
	if from > 0 {
		fmt.Fprintf(p.stderr, "resumed after %d of %d pictures\n", from, ds.Len())
	}
	tellDevice(p.stderr, k.config.machine)
	if from < ds.Len() {
		err = k.rows(ctx, p.stderr, st, net, ds, from, r.o.BatchSize, r)
	}
	if err == nil && r.rows == 0 {
		err = fmt.Errorf("none of the %d pictures can be read", ds.Len())
	}
	switch kept := (r.rows > 0 || errors.Is(err, context.Canceled)) && r.o.Out != "-"; {
	case err != nil && !kept:
		return errors.Join(k.config.explain(err, forwardRoom(r.o.BatchSize)), r.drop())
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(p.stderr, "interrupted after %d rows: kept in %s; go on with --resume\n", r.rows, r.o.partial())
		return err
	case err != nil:
		return k.config.explain(err, forwardRoom(r.o.BatchSize))
	}
	if err := r.finish(); err != nil {
		return err
	}
	left := ""
	if n := int64(ds.Len()) - r.rows; n > 0 {
		left = fmt.Sprintf(" (%d of %d pictures; %d could not be read)", r.rows, ds.Len(), n)
	}
	fmt.Fprintf(p.stderr, "%d rows of %d numbers%s: %s\n", r.rows, r.dim, left, r.o.Out)
	return nil
}

// pictures opens what is to be embedded.
func (k checkpoint) pictures(o embedOptions) (datasets.Dataset, error) {
	if len(o.Paths) > 0 {
		return datasets.Pictures(o.Paths)
	}
	return k.config.open(o.Part == "train")
}

// embedding is what maps pictures to rows, with the tensors that it has.
type embedding struct {
	run     func(s *libtorch.Scope, x libtorch.Tensor) libtorch.Tensor
	dim     int64
	tensors []nets.NamedTensor
}

// embedding loads the network.
func (k checkpoint) embedding(w io.Writer, st *meta.State, what string) (e embedding, err error) {
	if what == "features" {
		return embedding{st.Features, st.Backbone.Dim(), st.Encoder()}, k.encoder(w, st)
	}
	if k.foreign != nil {
		return e, usagef("--what projection: another program's head is not loaded; give --run or --checkpoint, or --what features")
	}
	if _, cuts := st.Method.(methods.Cutter); cuts || st.Projector == nil {
		return e, usagef("--what projection: %s has none of whole pictures; use --what features", st.Name())
	}
	e.dim = st.Projector.Dim()
	for _, t := range st.Tensors() {
		if strings.HasPrefix(t.Name, methods.BackbonePart+".") || strings.HasPrefix(t.Name, methods.ProjectorPart+".") {
			e.tensors = append(e.tensors, t)
		}
	}
	pass := &methods.Pass{Model: st.Model, Theta: st.Theta, Buffers: st.Buffers, State: st.ModelState, Mode: nets.Eval()}
	e.run = func(s *libtorch.Scope, x libtorch.Tensor) (z libtorch.Tensor) {
		h := st.Features(s, x)
		libtorch.NoGrad(func() { z = pass.Apply(s, methods.ProjectorPart, h) })
		return z
	}
	return e, k.fill(e.tensors)
}

// rows writes the pictures from one on. Those that cannot be read have no row.
func (k checkpoint) rows(ctx context.Context, w io.Writer, st *meta.State, net embedding, ds datasets.Dataset, from, batch int, out *rowFile) error {
	aug, err := k.config.augmentation()
	if err != nil {
		return err
	}
	bad, err := k.config.badPictures(w, ds.Len())
	if err != nil {
		return err
	}
	rest := &readable{Dataset: ds, from: from, bad: bad}
	l, err := datasets.NewLoader(rest, datasets.LoaderOptions{BatchSize: batch, Workers: k.config.Workers, Plain: &aug.Plain})
	if err != nil {
		return err
	}
	shown := progress.New(w, "embed", l.Steps(), 0)
	defer shown.Done()
	size, o := int64(aug.Plain.Size), st.Options()
	for b, err := range l.Epoch(ctx, 0, 0) {
		if err != nil {
			return err
		}
		err := libtorch.With(func(s *libtorch.Scope) error {
			x := s.To(libtorch.Upload(s, b.Plain, o.Device, int64(b.N), 3, size, size), o)
			values := libtorch.Slice[float32](s, s.To(net.run(s, x), libtorch.Float32()))
			if s.Err() != nil {
				return s.Err()
			}
			return out.add(ds, rest, b.Indices, values)
		})
		if err != nil {
			return err
		}
		shown.Step(b.N, fmt.Sprintf("%d of %d", from+b.Indices[b.N-1]+1, ds.Len()))
	}
	return ctx.Err()
}

// add writes a batch, if all of it is finite: no file has numbers that are not.
func (r *rowFile) add(ds datasets.Dataset, rest *readable, indices []int, values []float32) error {
	row := func(i int) []float32 { return values[i*int(r.dim) : (i+1)*int(r.dim)] }
	var odd []string
	read := 0
	for i, n := range indices {
		if rest.isBad(n) {
			continue
		}
		if read++; !finite(row(i)) {
			odd = append(odd, datasets.PictureName(ds, rest.from+n))
		}
	}
	if len(odd) > 0 {
		return notFinite(len(odd), int(r.rows)+read, "the first "+oneLine(odd[0]))
	}
	for i, n := range indices {
		if rest.isBad(n) {
			continue
		}
		if err := r.write(datasets.PictureName(ds, rest.from+n), className(ds, rest.from+n), row(i)); err != nil {
			return err
		}
	}
	return r.flush()
}

func className(ds datasets.Dataset, i int) string {
	if l, classes := ds.Label(i), ds.Classes(); l >= 0 && l < len(classes) {
		return classes[l]
	}
	return ""
}
