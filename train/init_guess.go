package train

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torchscript"
)

// guessed is the network that a file's names and shapes tell. Arch is empty if no network of this program has such
// blocks.
type guessed struct{ nets.Anatomy }

// unbuilt is the error of a network that resembles a family of this program but is not one that it builds.
type unbuilt struct{ guessed }

func (u *unbuilt) Error() string {
	out := fmt.Sprintf("it holds a %s, which is not built here (%s are)", u.Text, strings.Join(nets.Arches(), ", "))
	switch u.Channels {
	case 0, 3:
		out += `: in Python model.fc = torch.nn.Identity(), torch.jit.script(model).save("net.ts"), ` +
			"and give --arch torchscript:net.ts" + u.pictures() + " in place of --init"
	case 1:
		out += fmt.Sprintf(": pictures have 3 channels; in Python state_dict[%q] = "+
			"state_dict[%q].repeat(1, 3, 1, 1) / 3 does the same on gray ones", u.First, u.First)
	default:
		out += ": pictures have 3 channels"
	}
	if u.partly() {
		out += "; or take what fits, the rest untrained: " + u.flags() + " --init-partial"
	}
	return out
}

// pictures returns the flags for the stem's crop and size, which a TorchScript module does not tell.
func (g guessed) pictures() string {
	if g.Stem == nets.StemImageNet {
		return " --augment imagenet --size 224"
	}
	return ""
}

// partly reports whether the network's blocks are those of one of this program's networks.
func (g guessed) partly() bool { return g.Partly(g.Arch) }

func (g guessed) flags() string {
	out := fmt.Sprintf("--arch %s --width %g", g.Arch, g.Width) // both are named, since a preset may have others
	if len(g.Stems) == 0 {
		return out
	}
	return out + " --stem " + string(g.Stem)
}

func (g guessed) stemFits(stem string) bool {
	return len(g.Stems) == 0 || slices.Contains(g.Stems, nets.Stem(stem))
}

// guess finds the architecture that has exactly the file's tensors. The error of an unknown network is *unbuilt.
func guess(file *torchscript.Weights, l torchscript.Layout) (guessed, error) {
	is, built, err := torchscript.Guess(file, l)
	if err == nil && !built {
		err = &unbuilt{guessed{is}}
	}
	return guessed{is}, err
}

// misfit is the error of a file that holds another network. It names the flags that would fit.
func (c *Config) misfit(file *torchscript.Weights, m torchscript.Match) error {
	m.Ignored, m.Converted = nil, nil
	fit := fmt.Sprintf("%d tensors fit", len(m.Found))
	hint := "; --init-partial takes what fits"
	if nothing(m) {
		fit, hint = "nothing fits", ""
	}
	var other *unbuilt
	g, err := guess(file, m.Layout)
	switch {
	case errors.As(err, &other):
		return field.Errorf("{train.Initial.File} %s: %s: %w", c.Initial.File, m.Layout, err)
	case err == nil && (g.Arch != c.Arch || g.Width != c.Width || !g.stemFits(c.Stem)):
		flags := g.flags()
		for _, stem := range g.Stems[min(1, len(g.Stems)):] {
			flags += fmt.Sprintf(" (or %s)", stem)
		}
		hint = fmt.Sprintf(": it holds a %s; give %s", g.Describe(), flags) + hint
	}
	return field.Errorf("{train.Initial.File} %s: %s: %s %s ({train.Width} %g {train.Stem} %s)%s%s",
		c.Initial.File, m.Layout, fit, c.Arch, c.Width, c.Stem, c.rest(m), hint)
}

// nothing reports whether no tensor fits. Batch counters do not count, since every network has them.
func nothing(m torchscript.Match) bool {
	for name := range m.Found {
		if !strings.HasSuffix(name, counterName) {
			return false
		}
	}
	return true
}

// foreignBlocks is the error of a network whose blocks differ from this one's (deeper, wider or grouped), although some
// of its tensors would fit.
func (c *Config) foreignBlocks(file *torchscript.Weights, l torchscript.Layout) error {
	g, err := guess(file, l)
	var other *unbuilt
	if err != nil && !errors.As(err, &other) {
		return field.Errorf("{train.Initial.File}: %w", err)
	}
	_, built := nets.FamilyOf(c.Arch) // false for a TorchScript module, which is compared by names
	switch {
	case !built || g.Partly(c.Arch):
		return nil
	case other != nil && !other.partly():
		return field.Errorf("{train.Initial.File} %s: %s: it is not taken in parts as %s: %w", c.Initial.File, l, c.Arch,
			other)
	}
	return field.Errorf("{train.Initial.File} %s: %s: it holds a %s and is not taken in parts as %s: give %s",
		c.Initial.File, l, g.Text, c.Arch, g.flags())
}
