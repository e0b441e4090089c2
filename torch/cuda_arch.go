package torch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// arch is a GPU architecture that a build has code for.
type arch struct {
	major, minor int
	compiled     bool // if not, the driver compiles the code, for this capability or a later one
	exact        bool // the code runs on this capability alone, as sm_90a
}

// architectures finds "sm_90" and "compute_90" in the compiler's flags, as in "-gencode;arch=compute_90,code=sm_90".
// Only code counts: arch is what it was compiled from.
func architectures(config string) (out []string) {
	_, flags, _ := strings.Cut(config, "NVCC architecture flags:")
	flags, _, _ = strings.Cut(flags, "\n")
	for _, code := range strings.Split(flags, "code=")[1:] {
		for _, name := range strings.FieldsFunc(code, func(r rune) bool { return strings.ContainsRune("[], ;\"'", r) }) {
			if _, ok := parseArch(name); ok && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// parseArch reads sm_90, sm_100a, sm_120f and compute_90.
func parseArch(name string) (a arch, ok bool) {
	digits, compiled := strings.CutPrefix(name, "sm_")
	if !compiled {
		if digits, ok = strings.CutPrefix(name, "compute_"); !ok {
			return a, false
		}
	}
	a.compiled, a.exact = compiled, strings.HasSuffix(digits, "a")
	n, err := strconv.Atoi(strings.TrimRight(digits, "af"))
	const ten = 10
	a.major, a.minor = n/ten, n%ten
	return a, err == nil
}

// serves reports whether a GPU can run the code. Compiled code also runs on later capabilities of the same generation.
func (a arch) serves(major, minor int) bool {
	switch {
	case a.exact:
		return a.major == major && a.minor == minor
	case a.compiled:
		return a.major == major && a.minor <= minor
	}
	return a.major < major || a.major == major && a.minor <= minor
}

// noKernels says that the build has no kernels for a GPU. It is empty if the build has them, or if its list is unknown.
func noKernels(g GPU, archs []string, version string) string {
	var there []string
	newer := true
	for _, name := range archs {
		a, _ := parseArch(name)
		if a.serves(g.Major, g.Minor) {
			return ""
		}
		if newer = newer && a.major < g.Major; a.compiled {
			there = append(there, fmt.Sprintf("%d.%d", a.major, a.minor))
		}
	}
	if len(archs) == 0 || g.Major == 0 {
		return ""
	}
	remedy := "an older one, as TORCH=2.6.0, which has 5.0 to 9.0"
	if newer {
		remedy = "a newer one, as TORCH=2.8.0, which has up to 12.0"
	}
	return fmt.Sprintf("%s has compute capability %d.%d, for which LibTorch %s has no kernels (it has %s): build with %s",
		g.Name, g.Major, g.Minor, version, strings.Join(there, ", "), remedy)
}
