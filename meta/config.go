// Package meta is the paper: the do-loss added to a method's own, fast weights,
// the meta gradient on f_msr, and Algorithm 1 with its trainer.
package meta

import (
	"fmt"
	"math"
	"slices"

	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/methods"
)

// Space says what the weights a_t multiply.
type Space = methods.Space

// The spaces of the weights.
const (
	Embedding = methods.Embedding
	Feature   = methods.Feature
)

// Gradient is a way to the meta gradient.
type Gradient string

// The ways to the meta gradient. The first two are exact.
const (
	ForwardMode      Gradient = "forward-mode"
	Unrolled         Gradient = "unrolled"
	FiniteDifference Gradient = "finite-difference"
)

// Ablation takes a part of MSR away, to tell what does the work.
type Ablation string

// The ablations.
const (
	NoAblation     Ablation = "none"
	Ones           Ablation = "ones"            // all a_t = 1: a doubled loss
	Frozen         Ablation = "frozen"          // f_msr stays as initialised
	UniformityOnly Ablation = "uniformity-only" // the meta gradient is gamma L_uni's alone
	NoUniformity   Ablation = "no-uniformity"   // gamma = 0
)

// Config are MSR's constants (section 4 and 6.2 of the paper).
type Config struct {
	Lambda       float64  `yaml:"lambda"`        // weight of L_msr in L_to (eq. 5)
	Gamma        float64  `yaml:"gamma"`         // weight of L_uni in the meta objective (eq. 8)
	NumWeights   int64    `yaml:"weights"`       // n, the number of weight vectors
	UniformityT  float64  `yaml:"uniformity-t"`  // t of L_uni (eq. 9)
	Alpha        float64  `yaml:"alpha"`         // rate of the fast weights (eq. 7)
	Beta         float64  `yaml:"beta"`          // rate of Adam on f_msr
	Space        Space    `yaml:"msr-space"`     // what the weights multiply
	Gradient     Gradient `yaml:"meta-grad"`     // how the meta gradient is computed
	Radius       float64  `yaml:"-"`             // finite difference: |eps v|, 0.01 as in DARTS
	Every        int      `yaml:"meta-every"`    // meta steps on every K-th batch of the second pass; 1 is the paper
	Ablation     Ablation `yaml:"msr-ablation"`  // which part is taken away
	GammaBalance bool     `yaml:"gamma-balance"` // scale gamma so that both gradients on f_msr have the same norm
}

// Default is the paper's configuration of SimCLR+MSR on the small data sets.
func Default() Config {
	return Config{Lambda: 1, Gamma: 1, NumWeights: 6, UniformityT: 2, Alpha: 3e-3, Beta: 1e-3, Space: Embedding, Gradient: ForwardMode,
		Radius: 0.01, Every: 1, Ablation: NoAblation}
}

// Validate reports the first setting that is wrong, by its flag.
func (c Config) Validate() error {
	for _, x := range []struct {
		flag     string
		value    float64
		positive bool
	}{{"--lambda", c.Lambda, false}, {"--gamma", c.Gamma, false}, {"--alpha", c.Alpha, true}, {"--beta", c.Beta, true}, {"--uniformity-t", c.UniformityT, true}, {"--radius", c.Radius, true}} {
		if math.IsNaN(x.value) || math.IsInf(x.value, 0) || x.value < 0 || x.positive && x.value == 0 {
			return fmt.Errorf("%s %g: want a finite number, %s", x.flag, x.value, map[bool]string{true: "above 0", false: "0 or more"}[x.positive])
		}
	}
	switch {
	case c.NumWeights < 1:
		return fmt.Errorf("--weights %d: want 1 or more (6 in the paper)", c.NumWeights)
	case c.NumWeights < 2 && c.usesUniformity():
		return fmt.Errorf("--weights 1 has no pairs for the uniformity loss: use 2 or more, or --gamma 0")
	case c.Every < 1:
		return fmt.Errorf("--meta-every %d: want 1 or more", c.Every)
	}
	if err := oneOf("--msr-space", c.Space, Embedding, Feature); err != nil {
		return err
	}
	if err := oneOf("--meta-grad", c.Gradient, ForwardMode, Unrolled, FiniteDifference); err != nil {
		return err
	}
	return oneOf("--msr-ablation", c.Ablation, NoAblation, Ones, Frozen, UniformityOnly, NoUniformity)
}

func (c Config) usesUniformity() bool {
	return c.Trains() && c.Ablation != NoUniformity && (c.Gamma > 0 || c.Ablation == UniformityOnly)
}

// Trains reports whether f_msr is trained at all.
func (c Config) Trains() bool { return c.Ablation != Ones && c.Ablation != Frozen }

func oneOf[T ~string](flag string, got T, known ...T) error {
	if slices.Contains(known, got) {
		return nil
	}
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	return suggest.Unknown(flag, string(got), words)
}
