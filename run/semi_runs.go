package main

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
)

// fineTunedFile is what a run's folder keeps of fine-tuning: what was asked for,
// and what came of it.
type fineTunedFile struct {
	Config    eval.FineTuneConfig `json:"config"`
	Names     []string            `json:"names"`
	Lists     []string            `json:"lists,omitempty"`
	Epochs    []int               `json:"epochs"` // of each; 0: the config's, or as usual
	SplitSeed uint64              `json:"split_seed"`
	Batch     int                 `json:"batch"`
	Results   []fineTuned         `json:"results"`
}

// fineTuned fine-tunes a run, or takes up what an earlier program left of the
// same.
func (r *armRun) fineTuned(ctx context.Context, log io.Writer, o fineTuneOptions) ([]fineTuned, error) {
	path := filepath.Join(r.folder, "finetuned.json")
	if o.scratch {
		path = filepath.Join(r.folder, "supervised.json")
	}
	asked := fineTunedFile{Config: o.FineTuneConfig, Names: o.names(), Lists: o.lists,
		Epochs: o.ownEpochs(), SplitSeed: o.splitSeed, Batch: o.batch}
	asked.Config.Epochs = o.passes
	var before fineTunedFile
	if data, err := os.ReadFile(path); err == nil && json.Unmarshal(data, &before) == nil {
		if asked.Results = before.Results; len(before.Results) == len(before.Names) && reflect.DeepEqual(asked, before) {
			fmt.Fprintf(log, "done before: %s\n", path)
			return before.Results, nil
		}
	}
	k, err := load(runfolder.Last(r.folder))
	if err != nil {
		return nil, err
	}
	if asked.Results, err = fineTuneCheckpoint(ctx, log, k, o); err != nil {
		return nil, err
	}
	return asked.Results, atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(asked)
	})
}
