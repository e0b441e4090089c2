package torchscript

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ofBackbone are parts of a ResNet's names.
var ofBackbone = regexp.MustCompile(`^(conv1|bn1|layer\d+|\d+)$`)

// unwrapped is a name without what wrappers put into it, wherever it stands:
// torch.compile, activation checkpoints, FSDP. DataParallel's "module" before the
// network's own names belongs to its prefix.
func unwrapped(name string) string {
	if !strings.Contains(name, "_orig_mod") && !strings.Contains(name, "module") {
		return name
	}
	var out []string
	for part := range strings.SplitSeq(name, ".") {
		switch part {
		case "_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module":
			continue
		case "module":
			if slices.ContainsFunc(out, ofBackbone.MatchString) {
				continue
			}
		}
		out = append(out, part)
	}
	return strings.Join(out, ".")
}

// The names of Hugging Face's ResNets.
var (
	transformersStart = regexp.MustCompile(`^(|.*\.)encoder\.stages\.0\.layers\.0\.layer\.0\.convolution\.weight$`)
	transformersStem  = regexp.MustCompile(`^embedder\.embedder\.(convolution|normalization)\.`)
	transformersUnit  = regexp.MustCompile(`^encoder\.stages\.(\d+)\.layers\.(\d+)\.(layer\.(\d+)|shortcut)` +
		`\.(convolution|normalization)\.`)
)

// fromTransformers is torchvision's name for a name of Hugging Face's; false: it is
// none of the backbone's.
func fromTransformers(name string) (string, bool) {
	if m := transformersStem.FindStringSubmatch(name); m != nil {
		return kindOfUnit(m[1]) + "1." + name[len(m[0]):], true
	}
	m := transformersUnit.FindStringSubmatch(name)
	if m == nil {
		return name, false
	}
	block := fmt.Sprintf("layer%d.%s.", after(m[1]), m[2])
	switch {
	case m[3] != "shortcut":
		block += fmt.Sprintf("%s%d.", kindOfUnit(m[5]), after(m[4]))
	case m[5] == "convolution":
		block += "downsample.0."
	default:
		block += "downsample.1."
	}
	return block + name[len(m[0]):], true
}

func kindOfUnit(word string) string {
	if word == "convolution" {
		return "conv"
	}
	return "bn"
}

// after is the number that follows one in digits.
func after(digits string) int {
	n, _ := strconv.Atoi(digits) // more digits than fit are the name of no layer
	return n + 1
}
