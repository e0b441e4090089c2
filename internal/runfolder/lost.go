package runfolder

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// Holds reports whether a folder has a run: its configuration or a checkpoint.
func Holds(dir string) bool {
	_, err := os.Stat(Config(dir))
	return err == nil || len(Checkpoints(dir)) > 0
}

// ReadConfig reads the configuration of a run from config.yaml. If that file is lost or empty, ReadConfig reads it from
// a checkpoint with fromCheckpoint. If there is neither, the error is os.ErrNotExist.
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
			err = fmt.Errorf("%s is lost, and no checkpoint has the configuration: %w", Config(dir), unread)
		}
	}
	return nil, err
}
