package torch

import (
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/gotchhome"
)

// init gives gotch back the name of its folder. Package gotchhome hid it from gotch while gotch was initialised.
func init() { gotch.CachedDir = gotchhome.Restore() }
