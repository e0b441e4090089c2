package torchscript

import (
	"regexp"
	"strings"

	"github.com/icl-msr/icl-msr/nets"
)

var number = regexp.MustCompile(`^\d+$`)

// unwrapped removes the names of wrappers (torch.compile, activation checkpoints, FSDP) from a name, wherever they are.
// DataParallel's "module" before the names of the family's network is kept, since it is part of their prefix.
func unwrapped(name string, f nets.Family) string {
	if !strings.Contains(name, "_orig_mod") && !strings.Contains(name, "module") {
		return name
	}
	own := func(part string) bool { return number.MatchString(part) || f.StateDict.Owns(part+".") }
	var out []string
	inside := false
	for part := range strings.SplitSeq(name, ".") {
		switch part {
		case "_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module":
			continue
		case "module":
			if inside {
				continue
			}
		}
		inside = inside || own(part)
		out = append(out, part)
	}
	return strings.Join(out, ".")
}
