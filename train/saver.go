package train

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
)

// saver writes a run's newest checkpoint.
type saver struct {
	path   string
	config Config
	state  *meta.State
	saved  time.Time // when it was last written
}

// now saves at once.
func (v *saver) now() error {
	v.saved = time.Now()
	return save(v.path, v.config, v.state)
}

// when saves if Config.SaveAfter has passed at t since the last save.
func (v *saver) when(t time.Time) error {
	if v.config.SaveAfter <= 0 || t.Sub(v.saved) < v.config.SaveAfter {
		return nil
	}
	return v.now()
}

// saveNumbered writes the numbered checkpoint of an epoch, if Config.SaveEvery asks for one and st is at an epoch's
// end. Unless again is set, it keeps an existing file: a resumed run only needs it if the run was killed before writing
// it.
func saveNumbered(out string, c Config, st *meta.State, again bool) error {
	p := st.Position
	path := runfolder.Checkpoint(out, p.Epoch)
	ended := p.Epoch > 0 && p.Batch == 0 && p.Phase == meta.RegularPhase
	if c.SaveEvery <= 0 || !ended || p.Epoch%c.SaveEvery > 0 || !again && outfile.Exists(path) {
		return nil
	}
	return save(path, c, st)
}

// sayWhatIsKept adds the last intact checkpoint to the error of a run that diverged.
func sayWhatIsKept(err error, out string) error {
	diverged, damaged := (*meta.Diverged)(nil), (*notFinite)(nil)
	if !errors.As(err, &diverged) && !errors.As(err, &damaged) {
		return err
	}
	k, none := Newest(nil, out)
	if none != nil {
		return fmt.Errorf("%w; no checkpoint was written before that", err)
	}
	return fmt.Errorf("%w; the last checkpoint is whole: %s, of epoch %d, batch %d", err, k.Path, k.Position.Epoch,
		k.Position.Batch)
}

// savesKey is the context key of a request for a checkpoint.
type savesKey struct{}

// WithSaves returns a context in which setting asked requests a checkpoint.
func WithSaves(ctx context.Context, asked *atomic.Bool) context.Context {
	return context.WithValue(ctx, savesKey{}, asked)
}

// saveAsked reports whether a checkpoint was requested, once for each request.
func saveAsked(ctx context.Context) bool {
	asked, ok := ctx.Value(savesKey{}).(*atomic.Bool)
	return ok && asked.Swap(false)
}

// step saves after a step if Config.SaveAfter has passed, or if a signal requested it.
func (v *saver) step(ctx context.Context, tell func(line string)) error {
	if !saveAsked(ctx) {
		return v.when(time.Now())
	}
	if err := v.now(); err != nil {
		return err
	}
	at := v.state.Position
	tell(fmt.Sprintf("saved at epoch %d, batch %d, as asked by SIGUSR1", at.Epoch, at.Batch))
	return nil
}
