package train

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/progress"
)

// fineTuneLoaders read the pictures of fine-tuning: weakly augmented ones of the training part, plain ones of the test
// part.
type fineTuneLoaders struct {
	train, test         *datasets.Loader
	trainSize, testSize int // of pictures
	badTrain, badTest   *badPictures
	batch               int // of training
}

// fineTuneLoaders opens both loaders. Training drops pictures that do not fill a batch.
func (c *Config) fineTuneLoaders(
	log io.Writer, o FineTuneOptions, train, test datasets.Dataset,
) (l fineTuneLoaders, err error) {
	aug, err := c.Augmentation()
	if err != nil {
		return l, err
	}
	if l.badTrain, err = c.newBad(log, train.Len()); err != nil {
		return l, err
	}
	if l.badTest, err = c.newBad(log, test.Len()); err != nil {
		return l, err
	}
	weak := aug.Weak()
	l.batch, l.trainSize, l.testSize = min(o.Batch, train.Len()), weak.Size, aug.Plain.Size
	l.train, err = datasets.NewLoader(train, datasets.LoaderOptions{
		BatchSize: l.batch,
		Shuffle:   true,
		DropLast:  true,
		Seed:      o.Seed,
		Workers:   c.Workers,
		Views:     []datasets.Augment{&weak},
		Bad:       l.badTrain.reader(),
		LeaveOut:  true,
		Least:     2,
		Scaled:    c.ScaledDecode,
	})
	if err != nil {
		return l, err
	}
	l.test, err = datasets.NewLoader(test, datasets.LoaderOptions{
		BatchSize: o.Batch,
		Workers:   c.Workers,
		Plain:     &aug.Plain,
		Bad:       l.badTest.reader(),
		LeaveOut:  true,
	})
	return l, err
}

// scaled returns the options with their learning rates, which are for 256 pictures, in proportion to the batch.
func (l fineTuneLoaders) scaled(c eval.FineTuneConfig) eval.FineTuneConfig {
	c.LR, c.HeadLR = c.LR*float64(l.batch)/256, c.HeadLR*float64(l.batch)/256
	return c
}

// fit trains a classifier, and shows its progress.
func (l fineTuneLoaders) fit(ctx context.Context, log io.Writer, c *eval.Classifier, name string, epochs int) error {
	shown := progress.New(log, name, epochs, 0)
	defer shown.Done()
	for epoch := range epochs {
		loss, err := c.Epoch(ctx, labelled(ctx, l.train, uint64(epoch), l.trainSize,
			func(b *datasets.Batch) []float32 { return b.Views[0] }))
		if err != nil {
			return err
		}
		shown.Step(l.train.Steps()*l.batch, fmt.Sprintf("loss %.4f", loss))
	}
	return nil
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
