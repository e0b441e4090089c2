package runfolder

import (
	"os"
	"path/filepath"
	"slices"
)

// Owner returns the run folder that a file belongs to, or would belong to if it existed: as configuration, metrics,
// record of the data or lock, or as a file among the checkpoints. Owner follows links.
func Owner(path string) (dir string, ok bool) {
	path = resolve(path)
	dir = filepath.Dir(path)
	if isRun(dir) && slices.Contains([]string{configName, metricsName, dataName, lockName}, filepath.Base(path)) {
		return dir, true
	}
	for ; ; dir = filepath.Dir(dir) {
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		if filepath.Base(dir) == checkpointsName && isRun(parent) {
			return parent, true
		}
	}
}

// isRun reports whether a folder is a run folder, even if its configuration is lost.
func isRun(dir string) bool {
	checkpoints, err := os.Stat(filepath.Join(dir, checkpointsName))
	if err != nil || !checkpoints.IsDir() {
		return false
	}
	return slices.ContainsFunc([]string{configName, metricsName, lockName}, func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	})
}

// resolve returns the absolute path of a file with links followed. The file need not exist.
func resolve(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	if there, err := filepath.EvalSymlinks(path); err == nil {
		return there
	}
	if dir := filepath.Dir(path); dir != path {
		return filepath.Join(resolve(dir), filepath.Base(path))
	}
	return path
}
