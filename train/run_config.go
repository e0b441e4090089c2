package train

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/torchscript"
)

// FolderOptions returns the options that open the folder of a run with this configuration.
func FolderOptions(c Config, resume bool) runfolder.Options {
	return runfolder.Options{Config: c, Resume: resume, Free: free(), FromCheckpoint: configIn}
}

// configIn reads only the configuration of a checkpoint, not its tensors.
func configIn(path string) ([]byte, error) {
	w, err := torchscript.OpenWeights(path)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if format := w.Metadata["format"]; format != checkpointFormat {
		return nil, fmt.Errorf("%s: not a checkpoint of this program (format %q, want %q)", path, format, checkpointFormat)
	}
	return []byte(w.Metadata["config"]), nil
}

// ReadConfig reads the configuration of the run in a folder.
func ReadConfig(out string) (Config, error) {
	c := Default()
	text, err := runfolder.ReadConfig(out, configIn)
	if errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("%s has no run to resume: train there first", out)
	}
	if err != nil {
		return c, err
	}
	return c, c.decode(bytes.NewReader(text), runfolder.Config(out))
}
