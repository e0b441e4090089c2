package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
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
	Resume                  bool
	Paths                   []string // pictures and folders; none: the data set
}

func embed(ctx context.Context, p program, args []string) error {
	var o embedOptions
	f := flags(p, "embed", "--run DIR | --checkpoint FILE | --init FILE | --arch torchscript:FILE [flags] [PICTURE or FOLDER ...]")
	network := bindNetwork(f)
	dataset := f.String("dataset", "", "data set, where no pictures are named (default: that of the training)")
	dir := f.String("data-dir", "", "where the data is (default: as in training)")
	f.StringVar(&o.Part, "part", "train", "of the data set: train or test")
	f.StringVar(&o.Out, "out", "", "file to write, - for standard output (csv, jsonl) (default features.FORMAT)")
	f.StringVar(&o.Format, "format", "", "npy and safetensors (names beside, in OUT's .names.txt), csv or jsonl (default: as the name of --out ends, else npy)")
	f.StringVar(&o.What, "what", "features", "features (the backbone's, pooled) or projection (what the head makes of them)")
	f.BoolVar(&o.Resume, "resume", false, "go on with the half-written file of an interrupted run")
	depth16 := bindDepth16(f)
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
	if err := o.settle(); err != nil {
		return err
	}
	k, err := network.pick()
	if err != nil {
		return err
	}
	if len(o.Paths) == 0 {
		if err := k.needsDataset(*dataset); err != nil {
			return usagef("%w; or name pictures or folders of them", err)
		}
	} else if *dataset != "" || *dir != "" || f.Changed("part") {
		return usagef("give either pictures (%s, ...) or --dataset, --data-dir and --part", o.Paths[0])
	}
	if *dataset != "" {
		k.config.Dataset, k.config.DataDir = *dataset, ""
	}
	if *dir != "" {
		k.config.DataDir = *dir
	}
	if *depth16 != "" {
		k.config.Depth16 = *depth16
	}
	k.config.machine, k.config.Threads, k.config.Workers, k.config.BadPictures = on, *threads, *workers, *bad
	return embedInto(ctx, p, k, o)
}

// settle checks the options and completes them.
func (o *embedOptions) settle() error {
	known := []string{"npy", "safetensors", "csv", "jsonl"}
	if o.Format == "" {
		o.Format = "npy"
		if ext := strings.TrimPrefix(filepath.Ext(o.Out), "."); slices.Contains(known, ext) {
			o.Format = ext
		}
	}
	if !slices.Contains(known, o.Format) {
		return usage{suggest.Unknown("--format", o.Format, known)}
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
	if o.Out == "" {
		o.Out = "features." + o.Format
	}
	if o.Out == "-" && (o.Format == "npy" || o.Format == "safetensors" || o.Resume) {
		return usagef("--out - writes csv or jsonl, from the start: give --format csv or jsonl, without --resume")
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
	if r := (rowFile{o: o}); o.Resume && exists(o.Out) && !exists(r.about()) {
		fmt.Fprintf(p.stderr, "%s is whole already\n", o.Out)
		return nil
	}
	ds, err := k.pictures(o)
	if err != nil {
		return err
	}
	defer datasets.Close(ds)
	tellNotes(p.stderr, ds)
	s := libtorch.NewScope()
	defer s.Close()
	st, err := k.config.state(s, 0)
	if err != nil {
		return err
	}
	run, dim, err := k.embedding(p.stderr, st, o.What)
	if err != nil {
		return err
	}
	out, err := openRows(p, o, dim, k.identity(o.What, dim))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.close()) }()
	from, err := out.takeUp(ds)
	if err != nil {
		return err
	}
	if from > 0 {
		fmt.Fprintf(p.stderr, "resumed after %d of %d pictures\n", from, ds.Len())
	}
	tellDevice(p.stderr, k.config.machine)
	if from < ds.Len() {
		if err := k.rows(ctx, p.stderr, st, run, ds, from, o.BatchSize, out); err != nil {
			if errors.Is(err, context.Canceled) && o.Out != "-" {
				fmt.Fprintf(p.stderr, "interrupted after %d rows: kept in %s; go on with --resume\n", out.rows, out.partial())
			}
			return k.config.explain(err, forwardRoom(o.BatchSize))
		}
	}
	if err := out.finish(); err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "%d rows of %d numbers: %s\n", out.rows, dim, o.Out)
	return nil
}

// pictures opens what is to be embedded.
func (k checkpoint) pictures(o embedOptions) (datasets.Dataset, error) {
	if err := k.config.checkDepth16(); err != nil {
		return nil, err
	}
	if len(o.Paths) > 0 {
		return datasets.PicturesAs(o.Paths, datasets.Depth16(k.config.Depth16))
	}
	return k.config.open(o.Part == "train")
}

// identity tells one network's rows from another's.
func (k checkpoint) identity(what string, dim int64) string {
	size, path := int64(0), k.path
	if info, err := os.Stat(path); err == nil {
		size = info.Size()
	}
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	return fmt.Sprintf("%s (%d bytes), %s of %d numbers, pictures of %d pixels as %s", path, size, what, dim, k.config.Size, k.config.Augment)
}

// embedding loads the network and returns what maps pictures to rows.
func (k checkpoint) embedding(w io.Writer, st *meta.State, what string) (run func(s *libtorch.Scope, x libtorch.Tensor) libtorch.Tensor, dim int64, err error) {
	if what == "features" {
		return st.Features, st.Backbone.Dim(), k.encoder(w, st)
	}
	if k.foreign != nil {
		return nil, 0, usagef("--what projection: another program's head is not loaded; give --run or --checkpoint, or --what features")
	}
	if _, cuts := st.Method.(methods.Cutter); cuts || st.Projector == nil {
		return nil, 0, usagef("--what projection: %s has none of whole pictures; use --what features", st.Name())
	}
	var parts []nets.NamedTensor
	for _, t := range st.Tensors() {
		if strings.HasPrefix(t.Name, methods.BackbonePart+".") || strings.HasPrefix(t.Name, methods.ProjectorPart+".") {
			parts = append(parts, t)
		}
	}
	pass := &methods.Pass{Model: st.Model, Theta: st.Theta, Buffers: st.Buffers, State: st.ModelState, Mode: nets.Eval()}
	return func(s *libtorch.Scope, x libtorch.Tensor) (z libtorch.Tensor) {
		h := st.Features(s, x)
		libtorch.NoGrad(func() { z = pass.Apply(s, methods.ProjectorPart, h) })
		return z
	}, st.Projector.Dim(), k.fill(parts)
}

// rows writes the pictures from one on. Those that cannot be read have no row.
func (k checkpoint) rows(ctx context.Context, w io.Writer, st *meta.State, run func(s *libtorch.Scope, x libtorch.Tensor) libtorch.Tensor, ds datasets.Dataset, from, batch int, out *rowFile) error {
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
			values := libtorch.Slice[float32](s, s.To(run(s, x), libtorch.Float32()))
			if s.Err() != nil {
				return s.Err()
			}
			for i, n := range b.Indices {
				if rest.isBad(n) {
					continue
				}
				if err := out.write(datasets.PictureName(ds, from+n), className(ds, from+n), values[i*int(out.dim):(i+1)*int(out.dim)]); err != nil {
					return err
				}
			}
			return out.flush()
		})
		if err != nil {
			return err
		}
		shown.Step(b.N, fmt.Sprintf("%d of %d", from+b.Indices[b.N-1]+1, ds.Len()))
	}
	return ctx.Err()
}

func className(ds datasets.Dataset, i int) string {
	if l, classes := ds.Label(i), ds.Classes(); l >= 0 && l < len(classes) {
		return classes[l]
	}
	return ""
}
