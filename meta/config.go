// Package meta is the paper: the do-loss added to a method's own, fast weights, the meta gradient on f_msr, and
// Algorithm 1 with its trainer.
package meta

import (
	"math"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/model"
)

// Space says what the weights a_t multiply.
type Space = model.Space

// The spaces of the weights.
const (
	Embedding = model.Embedding
	Feature   = model.Feature
)

// GradientMethod is a way to compute the meta gradient.
type GradientMethod string

// The ways to the meta gradient. The first two are exact.
const (
	ForwardMode      GradientMethod = "forward-mode"
	Unrolled         GradientMethod = "unrolled"
	FiniteDifference GradientMethod = "finite-difference"
)

// Ablation takes away a part of MSR, to show what that part does.
type Ablation string

// The ablations.
const (
	NoAblation     Ablation = "none"
	Ones           Ablation = "ones"            // all a_t = 1: a doubled loss
	Frozen         Ablation = "frozen"          // f_msr stays as initialised
	UniformityOnly Ablation = "uniformity-only" // the meta gradient is that of gamma L_uni alone
	NoUniformity   Ablation = "no-uniformity"   // gamma = 0
)

// Config are MSR's constants (sections 4 and 6.2 of the paper).
type Config struct {
	Lambda         float64        `yaml:"lambda"`        // weight of L_msr in L_to (eq. 5)
	Gamma          float64        `yaml:"gamma"`         // weight of L_uni in the meta objective (eq. 8)
	NumWeights     int64          `yaml:"weights"`       // n, the number of weight vectors
	UniformityT    float64        `yaml:"uniformity-t"`  // t of L_uni (eq. 9)
	Alpha          float64        `yaml:"alpha"`         // learning rate of the fast weights (eq. 7)
	Beta           float64        `yaml:"beta"`          // learning rate of Adam on f_msr
	Space          Space          `yaml:"msr-space"`     // what the weights multiply
	GradientMethod GradientMethod `yaml:"meta-grad"`     // how the meta gradient is computed
	Radius         float64        `yaml:"-"`             // of finite differences: |eps v|; 0.01 in DARTS
	Every          int            `yaml:"meta-every"`    // a meta step on every K-th batch of the meta phase
	Ablation       Ablation       `yaml:"msr-ablation"`  // which part is taken away
	GammaBalance   bool           `yaml:"gamma-balance"` // gamma is scaled: both gradients on f_msr have the same norm
}

// Default is the paper's configuration of SimCLR+MSR on the small data sets.
func Default() Config {
	return Config{
		Lambda:         1,
		Gamma:          1,
		NumWeights:     6,
		UniformityT:    2,
		Alpha:          3e-3,
		Beta:           1e-3,
		Space:          Embedding,
		GradientMethod: ForwardMode,
		Radius:         0.01,
		Every:          1,
		Ablation:       NoAblation,
	}
}

// Validate reports the first field that is wrong.
func (c Config) Validate() error {
	for _, err := range []error{
		notNegative("{meta.Lambda}", c.Lambda),
		notNegative("{meta.Gamma}", c.Gamma),
		positive("{meta.Alpha}", c.Alpha),
		positive("{meta.Beta}", c.Beta),
		positive("{meta.UniformityT}", c.UniformityT),
		positive("{meta.Radius}", c.Radius),
		c.validateCounts(),
		oneOf("{meta.Space}", c.Space, Embedding, Feature),
		oneOf("{meta.GradientMethod}", c.GradientMethod, ForwardMode, Unrolled, FiniteDifference),
		oneOf("{meta.Ablation}", c.Ablation, NoAblation, Ones, Frozen, UniformityOnly, NoUniformity),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c Config) validateCounts() error {
	switch {
	case c.NumWeights < 1:
		return field.Errorf("{meta.NumWeights} %d: want 1 or more (6 in the paper)", c.NumWeights)
	case c.NumWeights < 2 && c.usesUniformity():
		return field.Errorf("{meta.NumWeights} 1 has no pairs for the uniformity loss: use 2 or more, or {meta.Gamma} 0")
	case c.Every < 1:
		return field.Errorf("{meta.Every} %d: want 1 or more", c.Every)
	}
	return nil
}

func (c Config) usesUniformity() bool {
	return c.Trains() && c.Ablation != NoUniformity && (c.Gamma > 0 || c.Ablation == UniformityOnly)
}

// Trains reports whether f_msr is trained at all.
func (c Config) Trains() bool { return c.Ablation != Ones && c.Ablation != Frozen }

func notNegative(key string, x float64) error {
	if math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
		return field.Errorf(key+" %g: want a finite number, 0 or more", x)
	}
	return nil
}

func positive(key string, x float64) error {
	if math.IsNaN(x) || math.IsInf(x, 0) || x <= 0 {
		return field.Errorf(key+" %g: want a finite number, above 0", x)
	}
	return nil
}

func oneOf[T ~string](key string, got T, known ...T) error {
	if slices.Contains(known, got) {
		return nil
	}
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	list := strings.Join(words, ", ")
	if near := suggest.Nearest(string(got), words); near != "" {
		return field.Errorf("unknown "+key+" %q; did you mean %q? known: %s", string(got), near, list)
	}
	return field.Errorf("unknown "+key+" %q; known: %s", string(got), list)
}
