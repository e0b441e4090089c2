package train

import (
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
)

// metricsFile writes metrics.jsonl, which has a line for each epoch.
type metricsFile struct{ folder *runfolder.Folder }

// openMetricsFile returns the logger of a folder. restoreRun has already cut its metrics.jsonl to the run's position.
func openMetricsFile(f *runfolder.Folder, _ meta.Position) (Logger, error) {
	return metricsFile{f}, nil
}

// Step implements Logger.
func (m metricsFile) Step(meta.Step) error { return nil }

// Epoch implements Logger.
func (m metricsFile) Epoch(e EpochLine) error {
	if len(e.Evaluation) > 0 {
		return m.folder.Amend(e)
	}
	return m.folder.Metric(e)
}

// End implements Logger.
func (m metricsFile) End(error) error { return nil }
