// Package train makes training runs: it builds model and data from a Config, trains with checkpoints, resumes,
// evaluates, fine-tunes and exports. Command run adds flags and printing.
package train

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/interventions"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
)

// Config is a training run's configuration. Libraries' settings keep the libraries' types. config.yaml is flat, and its
// names are those of the command's flags.
type Config struct {
	Method string         `yaml:"method"`
	UseMSR bool           `yaml:"msr"`
	MSR    meta.Config    `yaml:",inline"` // Alpha 0 means the learning rate
	MSRNet nets.MSRConfig `yaml:",inline"`

	Arch         string         `yaml:"arch"` // the backbone's name, or ScriptedArch and a file
	Width        float64        `yaml:"width"`
	Stem         string         `yaml:"stem"`
	MethodConfig methods.Config `yaml:",inline"`

	Data           datasets.Options   `yaml:",inline"`
	Variant        string             `yaml:"train-variant"`
	Classes        string             `yaml:"classes"` // in the syntax of datasets.ParseClasses
	BadPictures    string             `yaml:"bad-pictures"`
	Augment        string             `yaml:"augment"`
	AugmentOptions map[string]float64 `yaml:"augment-option,flow"`
	AugmentOn      string             `yaml:"augment-on"`
	KeepOnDevice   string             `yaml:"keep-on-device"`
	ScaledDecode   bool               `yaml:"scaled-decode"`
	Size           int                `yaml:"size"`

	Intervene interventions.Options `yaml:",inline"`

	BatchSize  int                  `yaml:"batch-size"`
	MicroBatch int                  `yaml:"micro-batch"`
	Recompute  bool                 `yaml:"checkpoint-activations"`
	Optimizer  nets.OptimizerConfig `yaml:",inline"`
	Schedule   nets.Schedule        `yaml:",inline"`
	ScaleLR    int                  `yaml:"scale-lr"`
	Seed       uint64               `yaml:"seed"`

	Initial Initial `yaml:",inline"`

	SyncBatchNorm bool `yaml:"sync-batch-norm"`

	Threads   int `yaml:"threads"`
	Workers   int `yaml:"workers"`
	Machine   `yaml:",inline"`
	SaveEvery int           `yaml:"save-every"`
	EvalEvery int           `yaml:"eval-every"`
	EvalProbe int           `yaml:"eval-epochs"`
	SaveAfter time.Duration `yaml:"save-after"`
}

// free lists the settings that may change when a run is resumed.
func free() []string {
	return []string{"threads", "workers", "save-every", "save-after", "device", "deterministic", "checkpoint-activations",
		"bad-pictures", "eval-every", "eval-epochs"}
}

// Default trains SimCLR with a ResNet-18 on drawn pictures, with the paper's settings for CIFAR-10.
func Default() Config {
	msr := meta.Default()
	msr.Alpha = 0
	return Config{
		Method: "simclr",
		MSR:    msr,
		MSRNet: nets.MSRConfig{Trunk: "conv4", Width: 1},

		Arch:         "resnet18",
		Width:        1,
		Stem:         "cifar",
		MethodConfig: methods.Config{Hidden: 1024, Dim: 64, Temperature: 0.5},

		Data:         datasets.Options{Name: "shapes", Correlation: 0.5, Seed: 1, Depth16: datasets.High},
		Variant:      string(datasets.Full),
		BadPictures:  "skip",
		Augment:      "cifar",
		AugmentOn:    "auto",
		KeepOnDevice: "auto",
		ScaledDecode: true,
		Size:         32,
		Intervene:    interventions.DefaultOptions(),

		BatchSize: 256,
		Optimizer: nets.OptimizerConfig{Name: "adam", WeightDecay: 1e-6, Momentum: 0.9},
		Schedule:  nets.Schedule{Kind: "step", LR: 3e-3, Warmup: 500, Drops: []int{50, 25}, Gamma: 0.2, Epochs: 100},

		SyncBatchNorm: true,
		Machine:       OnCPU(),
		EvalProbe:     100,
		SaveAfter:     10 * time.Minute,
	}
}

// PresetNames lists the presets.
func PresetNames() string {
	var names []string
	for _, q := range Presets() {
		names = append(names, q.Name)
	}
	return strings.Join(names, ", ")
}

// decode reads settings that this program wrote, in config.yaml or a checkpoint, over those of c. Its errors begin with
// name.
func (c *Config) decode(r io.Reader, name string) error {
	d := yaml.NewDecoder(r)
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %s", name, strings.Join(strings.Fields(err.Error()), " "))
	}
	return nil
}

// MarshalYAML implements yaml.Marshaler: the settings in the order of keys.
func (c Config) MarshalYAML() (any, error) {
	type plain Config
	var n yaml.Node
	if err := n.Encode(plain(c)); err != nil {
		return nil, err
	}
	return inOrder(&n, keys()), nil
}

// Rate returns the learning rate, scaled to the batch if ScaleLR asks for it.
func (c *Config) Rate() float64 {
	if c.ScaleLR > 0 {
		return c.Schedule.LR * float64(c.BatchSize) / float64(c.ScaleLR)
	}
	return c.Schedule.LR
}

// Meta returns the settings for package meta. Alpha, the rate of the fast weights, is Rate unless it is set.
func (c *Config) Meta() meta.Config {
	m := c.MSR
	if m.Alpha == 0 {
		m.Alpha = c.Rate()
	}
	return m
}
