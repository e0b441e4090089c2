package torch

import (
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/gotchhome"
)

// init gives gotch back its folder's name, which package gotchhome had hidden from
// it while it was initialised.
func init() { gotch.CachedDir = gotchhome.Restore() }
