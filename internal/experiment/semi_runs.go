package experiment

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/train"
)

// fineTunedFile is the record of fine-tuning in a run's folder: the settings and the results.
type fineTunedFile struct {
	Config    eval.FineTuneConfig `json:"config"`
	Names     []string            `json:"names"`
	Lists     []string            `json:"lists,omitempty"`
	Epochs    []int               `json:"epochs"` // of each share; 0: the config's, or the default
	SplitSeed uint64              `json:"split_seed"`
	Batch     int                 `json:"batch"`
	Results   []train.FineTuned   `json:"results"`
}

// fineTuned fine-tunes a run. If an earlier program has done so with the same settings, fineTuned reads its results.
func (r *armRun) fineTuned(ctx context.Context, log io.Writer, o train.FineTuneOptions) ([]train.FineTuned, error) {
	path := filepath.Join(r.folder, "finetuned.json")
	if o.Scratch {
		path = filepath.Join(r.folder, "supervised.json")
	}
	asked := fineTunedFile{Config: o.FineTuneConfig, Names: o.Names(), Lists: o.Lists,
		Epochs: o.OwnEpochs(), SplitSeed: o.SplitSeed, Batch: o.Batch}
	asked.Config.Epochs = o.DefaultEpochs
	var before fineTunedFile
	if data, err := os.ReadFile(path); err == nil && json.Unmarshal(data, &before) == nil {
		if asked.Results = before.Results; len(before.Results) == len(before.Names) && reflect.DeepEqual(asked, before) {
			fmt.Fprintf(log, "done before: %s\n", path)
			return before.Results, nil
		}
	}
	k, err := train.Load(runfolder.Last(r.folder))
	if err != nil {
		return nil, err
	}
	if asked.Results, err = train.FineTune(ctx, log, k, o); err != nil {
		return nil, err
	}
	return asked.Results, atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(asked)
	})
}
