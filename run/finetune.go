package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"runtime"
	"text/tabwriter"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/printable"
	"github.com/icl-msr/icl-msr/internal/progress"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// fineTuned is the outcome with a share of the labels.
type fineTuned struct {
	Labels   string        `json:"labels"`
	Split    string        `json:"split"`
	Epochs   int           `json:"epochs"`
	Pictures int           `json:"pictures"`
	Accuracy eval.Accuracy `json:"accuracy"`
	Train    pictureCount  `json:"train_pictures"`
	Test     pictureCount  `json:"test_pictures"`
}

func finetune(ctx context.Context, p program, args []string) error {
	o := defaultFineTuneOptions()
	f := flags(p, "finetune", "--run DIR | --checkpoint FILE | (--init FILE | --arch torchscript:FILE) --dataset NAME [flags]")
	network := bindNetwork(f)
	data := bindData(f)
	depth16 := bindDepth16(f)
	asJSON := f.Bool("json", false, "print JSON")
	o.bindLabels(f, "epochs")
	f.Uint64Var(&o.splitSeed, "label-seed", 0, "seed that draws the labelled pictures")
	f.BoolVar(&o.scratch, "from-scratch", false, "start from new parameters: the supervised baseline")
	f.Float64Var(&o.LR, "lr", o.LR, "first learning rate of the backbone for batches of 256, cosine to 0")
	f.Float64Var(&o.HeadLR, "head-lr", o.HeadLR, "that of the classifier")
	f.Float64Var(&o.Momentum, "momentum", o.Momentum, "Nesterov momentum")
	f.Float64Var(&o.WeightDecay, "weight-decay", o.WeightDecay, "L2 penalty")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "seed of the classifier and of the order of pictures")
	f.IntVar(&o.batch, "batch-size", o.batch, "pictures of a step")
	f.IntVar(&o.threads, "threads", 0, "threads of an operation (0: all cores)")
	o.machine.bind(f)
	if err := parse(f, args); err != nil {
		return err
	}
	k, err := network.pick()
	if err != nil {
		return err
	}
	if err := data.over(p.stderr, &k); err != nil {
		return err
	}
	if o.batch < 2 {
		return usagef("--batch-size %d: batch norm needs 2 pictures or more", o.batch)
	}
	if err := o.check(f, "epochs"); err != nil {
		return err
	}
	if *depth16 != "" {
		k.config.Depth16 = *depth16
	}
	k.config.machine, k.config.Threads = o.machine, o.threads
	out, err := fineTuneCheckpoint(ctx, p, k, o)
	if err != nil {
		return err
	}
	if *asJSON {
		e := json.NewEncoder(printable.Data(p.stdout))
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"checkpoint": k.path, "from_scratch": o.scratch, "results": out})
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "labels\tsplit\tepochs\tpictures\ttested on\ttop-1\ttop-5\t")
	for _, r := range out {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%.2f%%\t%s\t\n", r.Labels, r.Split, r.Epochs, r.Train, r.Test,
			100*r.Accuracy.Top1, topFive(r.Accuracy.Classes, r.Accuracy.Top5))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(o.lists) == 0 {
		fmt.Fprintf(p.stdout, "\n%s\n", o.splits())
	}
	for _, r := range out {
		if text := leftOut(map[string]pictureCount{"training": r.Train, "testing": r.Test}); text != "" {
			fmt.Fprintf(p.stdout, "\n%s: %s\n", r.Labels, text)
		}
	}
	return nil
}

// fineTuneCheckpoint fine-tunes anew for each share of the labels.
func fineTuneCheckpoint(ctx context.Context, p program, k checkpoint, o fineTuneOptions) (out []fineTuned, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := setThreads(o.threads); err != nil {
		return nil, err
	}
	train, err := k.config.open(true)
	if err != nil {
		return nil, err
	}
	defer datasets.Close(train)
	test, err := k.config.open(false)
	if err != nil {
		return nil, err
	}
	defer datasets.Close(test)
	tellNotes(p.stderr, train, test)
	parts, err := o.parts(train)
	if err != nil {
		return nil, err
	}
	tellDevice(p.stderr, k.config.machine)
	for _, q := range parts {
		o.Epochs = q.epochs
		r, err := fineTuneOnce(ctx, p, k, o, q.ds, test)
		if err != nil {
			return nil, err
		}
		r.Labels, r.Split, r.Epochs = q.name, q.split, q.epochs
		out = append(out, r)
	}
	return out, nil
}

func fineTuneOnce(ctx context.Context, p program, k checkpoint, o fineTuneOptions, train, test datasets.Dataset) (r fineTuned, err error) {
	s := torch.NewScope()
	defer s.Close()
	st, err := k.config.trained(s, 0)
	if err != nil {
		return r, err
	}
	defer func() { err = k.config.explain(err, trainingRoom(o.batch, "")) }()
	if err := trainable(p.stderr, st.Backbone); err != nil {
		return r, err
	}
	if _, ok := st.Backbone.(*nets.Scripted); ok && o.scratch {
		return r, usagef("--from-scratch: a TorchScript backbone starts from its file's parameters, there is no scratch")
	}
	if !o.scratch {
		if err := k.encoder(p.stderr, st); err != nil {
			return r, err
		}
	}
	aug, err := k.config.augmentation()
	if err != nil {
		return r, err
	}
	weak, batch := aug.Weak(), min(o.batch, train.Len())
	badTrain, err := k.config.newBad(p.stderr, train.Len())
	if err != nil {
		return r, err
	}
	badTest, err := k.config.newBad(p.stderr, test.Len())
	if err != nil {
		return r, err
	}
	trainLoader, err := datasets.NewLoader(train, datasets.LoaderOptions{BatchSize: batch, Shuffle: true, DropLast: true, Seed: o.Seed, Workers: k.config.Workers, Views: []datasets.Augment{&weak},
		Bad: badTrain.reader(), LeaveOut: true, Least: 2, Scaled: k.config.ScaledDecode})
	if err != nil {
		return r, err
	}
	testLoader, err := datasets.NewLoader(test, datasets.LoaderOptions{BatchSize: o.batch, Workers: k.config.Workers, Plain: &aug.Plain, Bad: badTest.reader(), LeaveOut: true})
	if err != nil {
		return r, err
	}
	np, nb := len(st.Backbone.Params()), len(st.Backbone.Buffers())
	scaled := o.FineTuneConfig
	scaled.LR, scaled.HeadLR = o.LR*float64(batch)/256, o.HeadLR*float64(batch)/256
	c, err := eval.NewClassifier(s, st.Backbone, st.Theta[:np], st.Buffers[:nb], len(train.Classes()), trainLoader.Steps(), scaled)
	if err != nil {
		return r, err
	}
	shown := progress.New(p.stderr, train.Name(), o.Epochs, 0)
	defer shown.Done()
	for epoch := range o.Epochs {
		loss, err := c.Epoch(ctx, labelled(ctx, trainLoader, uint64(epoch), weak.Size, func(b *datasets.Batch) []float32 { return b.Views[0] }))
		if err != nil {
			return r, err
		}
		shown.Step(trainLoader.Steps()*batch, fmt.Sprintf("loss %.4f", loss))
	}
	r.Accuracy, err = c.Score(ctx, labelled(ctx, testLoader, 0, aug.Plain.Size, func(b *datasets.Batch) []float32 { return b.Plain }))
	r.Pictures, r.Train, r.Test = train.Len(), badTrain.read(train), badTest.read(test)
	return r, err
}

// labelled feeds package eval from a loader.
func labelled(ctx context.Context, l *datasets.Loader, epoch uint64, size int, pictures func(b *datasets.Batch) []float32) iter.Seq2[eval.Batch, error] {
	return func(yield func(eval.Batch, error) bool) {
		for b, err := range l.Epoch(ctx, epoch, 0) {
			if err != nil {
				yield(eval.Batch{}, err)
				return
			}
			if !yield(eval.Batch{Pictures: pictures(b), Labels: b.Labels, Size: int64(size)}, nil) {
				return
			}
		}
	}
}
