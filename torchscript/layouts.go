package torchscript

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/nets"
)

// Layout says which tensors of a file are a backbone, and under what names.
type Layout struct {
	Name   string      // whose layout it is, as "MoCo v1 or v2"
	Group  int         // index in Weights.Groups
	Path   string      // of that group
	Prefix string      // before the backbone's names
	Family nets.Family // of the backbone

	naming nets.Naming
}

// String describes the layout for people.
func (l Layout) String() string {
	var where []string
	if l.Path != "" {
		where = append(where, fmt.Sprintf("in %q", l.Path))
	}
	if l.Prefix != "" {
		where = append(where, fmt.Sprintf("names after %q", l.Prefix))
	}
	if l.naming.Numbered {
		where = append(where, "numbered as an nn.Sequential")
	}
	if len(where) == 0 {
		return l.Name
	}
	return l.Name + " (" + strings.Join(where, ", ") + ")"
}

// where joins the keys of dictionaries and the prefix before the backbone's names.
func (l Layout) where() string { return strings.Trim(join(l.Path, l.Prefix), ".") }

// Canonical returns the name that a tensor of the group has in the family's networks: torchvision's, of a ResNet. It is
// false for a tensor that is not under the prefix.
func (l Layout) Canonical(name string) (string, bool) {
	rest, ok := strings.CutPrefix(unwrapped(name, l.Family), l.Prefix)
	if !ok {
		return "", false
	}
	if l.naming.Rename != nil {
		rest = l.naming.Rename(rest)
	}
	return rest, true
}

// known lists layouts in the order of preference.
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
		{plainLayout, `\|$`, "", ""},
	}
}

// plainLayout has no names before the network's.
const plainLayout = "torchvision or timm"

// numberedKey stands for names that are numbers.
const numberedKey = "#"

// knownLayout is a layout of another program. An empty has or key asks for nothing.
type knownLayout struct {
	name  string
	where string // pattern of the group's path, a bar, and the prefix without "module."
	has   string // pattern of a name that the group must have
	key   string // one of the outermost dictionary's keys, or numberedKey
}

// fits reports whether a layout and its file are of this kind.
func (k knownLayout) fits(l Layout, where string, g Group, keys []string) bool {
	if !regexp.MustCompile(k.where).MatchString(where) {
		return false
	}
	switch k.key {
	case "":
	case numberedKey:
		if !l.naming.Numbered {
			return false
		}
	default:
		if !slices.Contains(keys, k.key) {
			return false
		}
	}
	return k.has == "" || hasName(g, l.Family, regexp.MustCompile(k.has))
}

// moving matches the names of networks that are a moving average of another one.
var moving = regexp.MustCompile(`momentum|target|ema\b|_ema|encoder_k|_k\.|teacher|key_encoder`)

// Recognise finds the backbone in a file, a network of nets.Families or of more. If the file has several, it prefers
// networks trained by gradient to moving averages (except for DINO's teacher), and known layouts to others. A prefix
// that is not empty chooses one.
func Recognise(w *Weights, prefix string, more ...nets.Family) (Layout, error) {
	families := append(nets.Families(), more...)
	found := candidates(w, prefix, families)
	if len(found) == 0 {
		return Layout{}, absent(w, prefix, families)
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return a.rank - b.rank })
	if len(found) > 1 && found[0].rank == found[1].rank {
		return Layout{}, fmt.Errorf("%s holds several networks: %q and %q; name one by its prefix",
			w.Path, found[0].where(), found[1].where())
	}
	l := found[0].Layout
	if g := w.Groups[l.Group]; g.Foreign != "" {
		return l, fmt.Errorf("%s: among the tensors it names %s, which is not allowed: a state dict holds tensors only",
			w.Path, g.Foreign)
	}
	return l, nil
}

// candidates lists the networks of a file. A prefix that is not empty must be theirs.
func candidates(w *Weights, prefix string, families []nets.Family) (found []ranked) {
	for i, g := range w.Groups {
		for _, f := range families {
			prefix := strings.Trim(unwrapped(prefix, f), ".")
			for _, l := range networks(g, f) {
				l.Group, l.Path = i, g.Path
				if prefix == "" || prefix == strings.Trim(l.Prefix, ".") || prefix == l.where() {
					found = append(found, rank(l, g, w.Keys))
				}
			}
		}
	}
	return found
}

// absent is the error of a file without a network of the families.
func absent(w *Weights, prefix string, families []nets.Family) error {
	var names, marks []string
	for _, f := range families {
		names, marks = append(names, f.Name), append(marks, f.StateDict.Mark)
	}
	what := foreignNetwork(w.Groups)
	if what == "" {
		what = fmt.Sprintf("no names that end in %s, nor those of an nn.Sequential", strings.Join(marks, " or "))
	}
	return field.Errorf("%s: no %s in it%s: "+strings.ReplaceAll(what, "%", "%%")+"; its names begin with %s",
		w.Path, strings.Join(names, " or "), under(prefix), beginnings(w.Groups))
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

// rank finds the layout's name and its place in the order of preference.
func rank(l Layout, g Group, keys []string) ranked {
	const other, follows = 100, 1000
	plain := strings.TrimPrefix(l.Prefix, "module.")
	plain = strings.TrimSuffix(strings.Replace(plain, ".module.", ".", 1), "module.")
	where := l.Path + "|" + plain
	out := ranked{l, other}
	if l.naming.By != "" {
		out.Name = l.naming.By
		return out
	}
	for i, k := range known() {
		if k.fits(l, where, g, keys) {
			out.Name, out.rank = k.name, i
			break
		}
	}
	if out.Name == "" || out.Name == plainLayout && l.Family.Python == nil {
		out.Name = "a " + l.Family.Name
	}
	if out.Name == plainLayout && strings.HasPrefix(out.Prefix, "module.") {
		out.Name += ", from DataParallel"
	}
	if !strings.HasPrefix(out.Name, "DINO") && moving.MatchString(join(l.Path, l.Prefix)) {
		out.rank += follows
	}
	return out
}

func hasName(g Group, f nets.Family, like *regexp.Regexp) bool {
	return slices.ContainsFunc(g.Tensors, func(t Stored) bool { return like.MatchString(unwrapped(t.Name, f)) })
}

// networks lists a family's networks in a group.
func networks(g Group, f nets.Family) (out []Layout) {
	entries := make([]nets.Entry, len(g.Tensors))
	for i, t := range g.Tensors {
		entries[i] = nets.Entry{Name: unwrapped(t.Name, f), Shape: t.Shape}
	}
	for _, n := range f.StateDict.Find(entries) {
		out = append(out, Layout{Prefix: n.Prefix, Family: f, naming: n})
	}
	return out
}

// beginnings lists how the names in a file begin.
func beginnings(groups []Group) string {
	var out []string
	for _, g := range groups {
		for _, t := range g.Tensors {
			head, _, _ := strings.Cut(unwrapped(t.Name, nets.Family{}), ".")
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
