package train

import (
	"context"
	"io"
	"runtime"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/meta"
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

// fineTuneOnce fine-tunes the checkpoint with the pictures of train, and scores it on test.
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
	if err := k.fillForFineTuning(log, st, o.Scratch); err != nil {
		return r, err
	}
	l, err := k.Config.fineTuneLoaders(log, o, train, test)
	if err != nil {
		return r, err
	}
	np, nb := len(st.Backbone.Params()), len(st.Backbone.Buffers())
	c, err := eval.NewClassifier(s, st.Backbone, st.Theta[:np], st.Buffers[:nb], len(train.Classes()), l.train.Steps(),
		l.scaled(o.FineTuneConfig))
	if err != nil {
		return r, err
	}
	if err := l.fit(ctx, log, c, train.Name(), o.Epochs); err != nil {
		return r, err
	}
	r.Accuracy, err = c.Score(ctx, labelled(ctx, l.test, 0, l.testSize,
		func(b *datasets.Batch) []float32 { return b.Plain }))
	r.Pictures, r.Train, r.Test = train.Len(), l.badTrain.read(train), l.badTest.read(test)
	return r, err
}

// fillForFineTuning fills the backbone from the checkpoint, unless it is to start from scratch.
func (k Checkpoint) fillForFineTuning(log io.Writer, st *meta.State, scratch bool) error {
	if err := trainable(log, st.Backbone); err != nil {
		return err
	}
	if !scratch {
		return k.FillEncoder(log, st)
	}
	if _, ok := st.Backbone.(*nets.Scripted); ok {
		return usage.Errorf("{train.Scratch}: a TorchScript backbone starts from its file's parameters, there is no " +
			"scratch")
	}
	return nil
}
