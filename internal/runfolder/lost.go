package runfolder

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Checkpoints lists the checkpoints of a run folder: the newest, then the numbered
// ones from the last to the first.
func Checkpoints(dir string) []string {
	pattern := filepath.Join(quoted(dir), "checkpoints", "epoch-*.safetensors")
	numbered, _ := filepath.Glob(pattern)             // the pattern is right
	slices.SortFunc(numbered, func(a, b string) int { // epoch-10000 is after epoch-9999
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return bytes.Compare([]byte(b), []byte(a))
	})
	if _, err := os.Stat(Last(dir)); err != nil {
		return numbered
	}
	return append([]string{Last(dir)}, numbered...)
}

// quoted is a folder's name in a pattern.
func quoted(dir string) string {
	var b []byte
	for i := range len(dir) {
		if bytes.IndexByte([]byte(`*?[\`), dir[i]) >= 0 {
			b = append(b, '\\')
		}
		b = append(b, dir[i])
	}
	return string(b)
}

// Holds reports whether a run is in a folder: its configuration, or a checkpoint.
func Holds(dir string) bool {
	_, err := os.Stat(Config(dir))
	return err == nil || len(Checkpoints(dir)) > 0
}

// ReadConfig reads a run's configuration: config.yaml, or where that is lost or
// empty what a checkpoint holds of it, which fromCheckpoint reads. The error of a
// folder that has neither is os.ErrNotExist.
func ReadConfig(dir string, fromCheckpoint func(path string) ([]byte, error)) ([]byte, error) {
	text, err := os.ReadFile(Config(dir))
	if err == nil && len(bytes.TrimSpace(text)) > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
		return text, err
	}
	err = os.ErrNotExist
	for _, path := range Checkpoints(dir) {
		text, unread := fromCheckpoint(path)
		if unread == nil {
			return text, nil
		}
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%s is lost, and no checkpoint tells the configuration: %w", Config(dir), unread)
		}
	}
	return nil, err
}
