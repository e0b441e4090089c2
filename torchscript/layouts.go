package torchscript

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Layout says which tensors of a file are a ResNet's backbone, and under what
// names.
type Layout struct {
	Name   string // whose layout it is, as "MoCo v1 or v2"
	Group  int    // of Weights.Groups
	Path   string // of that group
	Prefix string // before the backbone's names

	numbers      map[string]string // of an nn.Sequential: "4" is "layer1"
	transformers bool              // names are Hugging Face's
}

// String tells the layout for people.
func (l Layout) String() string {
	var where []string
	if l.Path != "" {
		where = append(where, fmt.Sprintf("in %q", l.Path))
	}
	if l.Prefix != "" {
		where = append(where, fmt.Sprintf("names after %q", l.Prefix))
	}
	if l.numbers != nil {
		where = append(where, "numbered as an nn.Sequential")
	}
	if len(where) == 0 {
		return l.Name
	}
	return l.Name + " (" + strings.Join(where, ", ") + ")"
}

// where is what stands before the backbone's names, keys of dictionaries too.
func (l Layout) where() string { return strings.Trim(join(l.Path, l.Prefix), ".") }

// Torchvision returns the name that a tensor of the group has in torchvision's
// ResNet; false: it is not under the prefix.
func (l Layout) Torchvision(name string) (string, bool) {
	rest, ok := strings.CutPrefix(unwrapped(name), l.Prefix)
	if !ok {
		return "", false
	}
	if l.transformers {
		rest, _ = fromTransformers(rest)
		return rest, true
	}
	if l.numbers != nil {
		number, tail, _ := strings.Cut(rest, ".")
		part, known := l.numbers[number]
		if !known {
			return rest, true
		}
		rest = part + "." + tail
	}
	return strings.Replace(rest, ".shortcut.", ".downsample.", 1), true // shortcut: lightly's and pytorch-cifar's own ResNets
}

// known lists layouts by what is written before the backbone's names (path of the
// group, a bar, prefix without "module."), in the order of preference. has is a
// name that the group must have, too; key one of the file's outermost dictionary, or
// numberedKey.
func known() []knownLayout {
	return []knownLayout{
		{"a checkpoint of this program", `^\|backbone\.$`, `^optimizer\.`, ""},
		{"MoCo v1 or v2", `\|encoder_q\.$`, "", ""},
		{"MoCo v3", `\|base_encoder\.$`, "", ""},
		{"BYOL of lucidrains", `\|online_encoder\.net\.$`, "", ""},
		{"BYOL", `^online_network|\|online_network\.|\|online_encoder\.|\|online\.`, "", ""},
		{"DINO, the teacher", `^teacher\|`, "", ""},
		{"DINO, the student", `^student\|`, "", ""},
		{"SwAV", `\|$`, `projection_head\.|prototypes\.`, ""},
		{"VISSL", `classy_state_dict.*\|`, "", ""},
		{"lightly", `\|backbone\.$`, "", numberedKey},
		{"solo-learn", `^state_dict\|(backbone|encoder)\.$`, "", "pytorch-lightning_version"},
		{"Barlow Twins or VICReg", `\|backbone\.$`, `^(module\.)?projector\.0\.`, ""},
		{"SimSiam", `\|encoder\.$`, `^(module\.)?predictor\.`, ""},
		{"htdt/self-supervised", `\|model\.$`, `^model\.module\.`, ""},
		{"SimCLR", `\|(backbone|encoder|convnet|f)\.$`, "", ""},
		{"torchvision or timm", `\|$`, "", ""},
	}
}

// numberedKey stands for names that are numbers.
const numberedKey = "#"

type knownLayout struct{ name, where, has, key string }

// moving are words in names of networks that follow another one.
var moving = regexp.MustCompile(`momentum|target|ema\b|_ema|encoder_k|_k\.|teacher|key_encoder`)

// Recognise finds the ResNet in a file. Where there are several it prefers those
// trained by gradient to their moving averages (but DINO's teacher), and known
// layouts to others. A prefix that is not empty is taken as it is.
func Recognise(w *Weights, prefix string) (Layout, error) {
	var found []ranked
	prefix = unwrapped(prefix)
	for i, g := range w.Groups {
		for _, l := range networks(g) {
			l.Group, l.Path = i, g.Path
			if prefix == "" || strings.Trim(prefix, ".") == strings.Trim(l.Prefix, ".") || strings.Trim(prefix, ".") == l.where() {
				found = append(found, rank(l, g, w.Keys))
			}
		}
	}
	if len(found) == 0 {
		return Layout{}, fmt.Errorf("%s: no ResNet in it%s: %s; its names begin with %s", w.Path, under(prefix), insteadOf(w.Groups), beginnings(w.Groups))
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return a.rank - b.rank })
	if len(found) > 1 && found[0].rank == found[1].rank {
		return Layout{}, fmt.Errorf("%s holds several networks: %q and %q; name one by its prefix", w.Path, found[0].where(), found[1].where())
	}
	l := found[0].Layout
	if g := w.Groups[l.Group]; g.Foreign != "" {
		return l, fmt.Errorf("%s: among the tensors it names %s, which is not allowed: a state dict holds tensors only", w.Path, g.Foreign)
	}
	return l, nil
}

func under(prefix string) string {
	if prefix == "" {
		return ""
	}
	return fmt.Sprintf(" under %q", prefix)
}

type ranked struct {
	Layout
	rank int
}

// rank finds the layout's name and how much it is to be preferred.
func rank(l Layout, g Group, keys []string) ranked {
	const other, follows = 100, 1000
	plain := strings.TrimPrefix(l.Prefix, "module.")
	plain = strings.TrimSuffix(strings.Replace(plain, ".module.", ".", 1), "module.")
	where := l.Path + "|" + plain
	out := ranked{l, other}
	if l.transformers {
		out.Name = "Hugging Face transformers"
		return out
	}
	for i, k := range known() {
		if !regexp.MustCompile(k.where).MatchString(where) {
			continue
		}
		if k.key == numberedKey && l.numbers == nil || k.key != "" && k.key != numberedKey && !slices.Contains(keys, k.key) {
			continue
		}
		if k.has != "" && !slices.ContainsFunc(g.Tensors, func(t Stored) bool { return regexp.MustCompile(k.has).MatchString(unwrapped(t.Name)) }) {
			continue
		}
		out.Name, out.rank = k.name, i
		break
	}
	if out.Name == "" {
		out.Name = "a ResNet"
	}
	if strings.HasPrefix(out.Prefix, "module.") && out.Name == "torchvision or timm" {
		out.Name = "torchvision or timm, from DataParallel"
	}
	if !strings.HasPrefix(out.Name, "DINO") && moving.MatchString(join(l.Path, l.Prefix)) {
		out.rank += follows
	}
	return out
}

var (
	namedStart    = regexp.MustCompile(`^(|.*\.)layer1\.0\.conv1\.weight$`)
	numberedStart = regexp.MustCompile(`^(|.*\.)(\d+)\.0\.conv1\.weight$`)
)

// networks lists the ResNets of a group: under torchvision's names, or as an
// nn.Sequential of its children, whose stages follow a convolution and a norm.
func networks(g Group) []Layout {
	var out []Layout
	has := map[string]Stored{}
	for _, t := range g.Tensors {
		has[unwrapped(t.Name)] = t
	}
	seen := map[string]bool{}
	for _, t := range g.Tensors {
		name := unwrapped(t.Name)
		if m := namedStart.FindStringSubmatch(name); m != nil && !seen[m[1]] {
			seen[m[1]] = true // whatever its stem is
			out = append(out, Layout{Prefix: m[1]})
		} else if m := transformersStart.FindStringSubmatch(name); m != nil {
			out = append(out, Layout{Prefix: m[1], transformers: true})
		} else if m := numberedStart.FindStringSubmatch(name); m != nil && !seen[m[1]] {
			seen[m[1]] = true
			if numbers := childNumbers(m[1], has); numbers != nil {
				out = append(out, Layout{Prefix: m[1], numbers: numbers})
			}
		}
	}
	return out
}

// childNumbers finds what the numbers of an nn.Sequential stand for. Programs
// differ in the children they keep (some have no max-pool), so the stages are
// counted.
func childNumbers(prefix string, has map[string]Stored) map[string]string {
	out := map[string]string{}
	stage := 1
	const children = 16
	for n := range children {
		number := fmt.Sprint(n)
		if t, ok := has[prefix+number+".weight"]; ok && len(t.Shape) == 4 && stage == 1 && out["conv"] == "" {
			out[number], out["conv"] = "conv1", number
		} else if _, ok := has[prefix+number+".running_mean"]; ok && stage == 1 {
			out[number] = "bn1"
		} else if _, ok := has[prefix+number+".0.conv1.weight"]; ok {
			out[number] = fmt.Sprintf("layer%d", stage)
			stage++
		}
	}
	if out["conv"] == "" {
		return nil
	}
	delete(out, "conv")
	return out
}

// beginnings shows how the names in a file begin, for an error's reader.
func beginnings(groups []Group) string {
	var out []string
	for _, g := range groups {
		for _, t := range g.Tensors {
			head, _, _ := strings.Cut(unwrapped(t.Name), ".")
			if head = join(g.Path, head); !slices.Contains(out, head) {
				out = append(out, head)
			}
			if len(out) == 6 {
				return strings.Join(out, ", ") + ", ..."
			}
		}
	}
	return strings.Join(out, ", ")
}
