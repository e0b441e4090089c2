package train

import (
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/progress"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// FineTuned is the result of fine-tuning with a share of the labels.
type FineTuned struct {
	Labels   string        `json:"labels"`
	Split    string        `json:"split"`
	Epochs   int           `json:"epochs"`
	Pictures int           `json:"pictures"`
	Accuracy eval.Accuracy `json:"accuracy"`
	Train    PictureCount  `json:"train_pictures"`
	Test     PictureCount  `json:"test_pictures"`
}

// FineTune fine-tunes the checkpoint once for each share of the labels, each time from its own weights.
func FineTune(ctx context.Context, log io.Writer, k Checkpoint, o FineTuneOptions) (out []FineTuned, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := SetThreads(o.Threads); err != nil {
		return nil, err
	}
	train, err := k.Config.Open(true)
	if err != nil {
		return nil, err
	}
	defer datasets.Close(train)
	test, err := k.Config.Open(false)
	if err != nil {
		return nil, err
	}
	defer datasets.Close(test)
	TellNotes(log, train, test)
	parts, err := o.parts(train)
	if err != nil {
		return nil, err
	}
	TellDevice(log, k.Config.Machine)
	for _, q := range parts {
		o.Epochs = q.epochs
		r, err := fineTuneOnce(ctx, log, k, o, q.ds, test)
		if err != nil {
			return nil, err
		}
		r.Labels, r.Split, r.Epochs = q.name, q.split, q.epochs
		out = append(out, r)
	}
	return out, nil
}

func fineTuneOnce(
	ctx context.Context, log io.Writer, k Checkpoint, o FineTuneOptions, train, test datasets.Dataset,
) (r FineTuned, err error) {
	s := torch.NewScope()
	defer s.Close()
	st, err := k.Config.trained(s, 0)
	if err != nil {
		return r, err
	}
	defer func() { err = k.Config.Explain(err, trainingRoom(o.Batch, "")) }()
	if err := trainable(log, st.Backbone); err != nil {
		return r, err
	}
	if _, ok := st.Backbone.(*nets.Scripted); ok && o.Scratch {
		return r, usage.Errorf("{train.Scratch}: a TorchScript backbone starts from its file's parameters, there is no " +
			"scratch")
	}
	if !o.Scratch {
		if err := k.FillEncoder(log, st); err != nil {
			return r, err
		}
	}
	aug, err := k.Config.Augmentation()
	if err != nil {
		return r, err
	}
	weak, batch := aug.Weak(), min(o.Batch, train.Len())
	badTrain, err := k.Config.newBad(log, train.Len())
	if err != nil {
		return r, err
	}
	badTest, err := k.Config.newBad(log, test.Len())
	if err != nil {
		return r, err
	}
	trainLoader, err := datasets.NewLoader(train,
		datasets.LoaderOptions{BatchSize: batch, Shuffle: true, DropLast: true, Seed: o.Seed, Workers: k.Config.Workers,
			Views: []datasets.Augment{&weak},
			Bad:   badTrain.reader(), LeaveOut: true, Least: 2, Scaled: k.Config.ScaledDecode})
	if err != nil {
		return r, err
	}
	testLoader, err := datasets.NewLoader(test,
		datasets.LoaderOptions{BatchSize: o.Batch, Workers: k.Config.Workers, Plain: &aug.Plain, Bad: badTest.reader(),
			LeaveOut: true})
	if err != nil {
		return r, err
	}
	np, nb := len(st.Backbone.Params()), len(st.Backbone.Buffers())
	scaled := o.FineTuneConfig
	scaled.LR, scaled.HeadLR = o.LR*float64(batch)/256, o.HeadLR*float64(batch)/256
	c, err := eval.NewClassifier(s, st.Backbone, st.Theta[:np], st.Buffers[:nb], len(train.Classes()), trainLoader.Steps(),
		scaled)
	if err != nil {
		return r, err
	}
	shown := progress.New(log, train.Name(), o.Epochs, 0)
	defer shown.Done()
	for epoch := range o.Epochs {
		loss, err := c.Epoch(ctx, labelled(ctx, trainLoader, uint64(epoch), weak.Size,
			func(b *datasets.Batch) []float32 { return b.Views[0] }))
		if err != nil {
			return r, err
		}
		shown.Step(trainLoader.Steps()*batch, fmt.Sprintf("loss %.4f", loss))
	}
	r.Accuracy, err = c.Score(ctx, labelled(ctx, testLoader, 0, aug.Plain.Size,
		func(b *datasets.Batch) []float32 { return b.Plain }))
	r.Pictures, r.Train, r.Test = train.Len(), badTrain.read(train), badTest.read(test)
	return r, err
}

// labelled turns a loader's epoch into batches for package eval. pictures selects the view.
func labelled(
	ctx context.Context, l *datasets.Loader, epoch uint64, size int, pictures func(b *datasets.Batch) []float32,
) iter.Seq2[eval.Batch, error] {
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
