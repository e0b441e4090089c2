// Package train makes training runs: it builds model and data from a Config, trains with checkpoints, resumes,
// evaluates, fine-tunes and exports. Command run is flags and printing around it.
//
//	c := train.Default()
//	c.Dataset, c.Epochs = "shapes", 2
//	last, err := train.Pretrain(ctx, os.Stderr, c, "runs/mine", false)
package train

import (
	"cmp"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
)

// Config is a training run's configuration: config.yaml's keys are the flags'
// names.
type Config struct {
	Method       string  `yaml:"method"`
	MSR          bool    `yaml:"msr"`
	Lambda       float64 `yaml:"lambda"`
	Gamma        float64 `yaml:"gamma"`
	Weights      int64   `yaml:"weights"`
	UniformityT  float64 `yaml:"uniformity-t"`
	Alpha        float64 `yaml:"alpha"`
	Beta         float64 `yaml:"beta"`
	Space        string  `yaml:"msr-space"`
	MetaGrad     string  `yaml:"meta-grad"`
	MetaEvery    int     `yaml:"meta-every"`
	Ablation     string  `yaml:"msr-ablation"`
	GammaBalance bool    `yaml:"gamma-balance"`
	MSRTrunk     string  `yaml:"msr-trunk"`
	MSRWidth     float64 `yaml:"msr-width"`

	Arch           string      `yaml:"arch"`
	Width          float64     `yaml:"width"`
	Stem           string      `yaml:"stem"`
	Hidden         int64       `yaml:"hidden"`
	Dim            int64       `yaml:"dim"`
	Temperature    float64     `yaml:"temperature"`
	TargetMomentum float64     `yaml:"momentum-target"`
	Queue          int64       `yaml:"queue"`
	Prototypes     []int64     `yaml:"prototypes,flow"`
	Options        NamedValues `yaml:"method-option,flow"`

	Dataset        string      `yaml:"dataset"`
	DataDir        string      `yaml:"data-dir"`
	Foreground     string      `yaml:"foreground-dir"`
	Unlabelled     bool        `yaml:"unlabelled"`
	Variant        string      `yaml:"train-variant"`
	Classes        string      `yaml:"classes"`
	ValLabels      string      `yaml:"val-labels"`
	BadPictures    string      `yaml:"bad-pictures"`
	Depth16        string      `yaml:"depth16"`
	Count          int         `yaml:"count"`
	Correlation    float64     `yaml:"correlation"`
	DataSeed       uint64      `yaml:"data-seed"`
	Augment        string      `yaml:"augment"`
	AugmentOptions NamedValues `yaml:"augment-option,flow"`
	AugmentOn      string      `yaml:"augment-on"`
	KeepOnDevice   string      `yaml:"keep-on-device"`
	ScaledDecode   bool        `yaml:"scaled-decode"`
	Size           int         `yaml:"size"`

	Epochs      int     `yaml:"epochs"`
	BatchSize   int     `yaml:"batch-size"`
	MicroBatch  int     `yaml:"micro-batch"`
	Recompute   bool    `yaml:"checkpoint-activations"`
	Optimizer   string  `yaml:"optimizer"`
	LR          float64 `yaml:"lr"`
	ScaleLR     int     `yaml:"scale-lr"`
	WeightDecay float64 `yaml:"weight-decay"`
	Momentum    float64 `yaml:"momentum"`
	Schedule    string  `yaml:"schedule"`
	Warmup      int     `yaml:"warmup"`
	Drops       []int   `yaml:"drops,flow"`
	DropGamma   float64 `yaml:"drop-gamma"`
	Seed        uint64  `yaml:"seed"`

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

// free are the settings that may change when a run is resumed.
func free() []string {
	return []string{"threads", "workers", "save-every", "save-after", "device", "deterministic", "checkpoint-activations", "bad-pictures", "eval-every", "eval-epochs"}
}

func Default() Config {
	m := meta.Default()
	return Config{
		Method: "simclr", Lambda: m.Lambda, Gamma: m.Gamma, Weights: m.NumWeights, UniformityT: m.UniformityT, Beta: m.Beta, Space: string(m.Space),
		MetaGrad: string(m.Gradient), MetaEvery: 1, Ablation: string(m.Ablation), MSRTrunk: "conv4", MSRWidth: 1,
		Arch: "resnet18", Width: 1, Stem: "cifar", Hidden: 1024, Dim: 64, Temperature: 0.5,
		Dataset: "shapes", Correlation: 0.5, DataSeed: 1, BadPictures: "skip", Depth16: string(datasets.High), Variant: string(datasets.Full), Augment: "cifar", AugmentOn: "auto", KeepOnDevice: "auto", ScaledDecode: true, Size: 32,
		Epochs: 100, BatchSize: 256, Optimizer: "adam", LR: 3e-3, WeightDecay: 1e-6, Momentum: 0.9, Schedule: "step", Warmup: 500,
		Drops: []int{50, 25}, DropGamma: 0.2, SyncBatchNorm: true, Threads: 0, Workers: 0, Machine: OnCPU(), SaveEvery: 0, EvalProbe: 100, SaveAfter: 10 * time.Minute,
	}
}

func (c *Config) Bind(f *pflag.FlagSet) {
	f.StringVar(&c.Method, "method", c.Method, "method: "+strings.Join(methods.Names(), ", "))
	if f.Lookup("msr") == nil { // compare has its own
		f.BoolVar(&c.MSR, "msr", c.MSR, "add the meta semantic regularizer")
	}
	f.Float64Var(&c.Lambda, "lambda", c.Lambda, "weight of the do-loss L_msr (eq. 5)")
	f.Float64Var(&c.Gamma, "gamma", c.Gamma, "weight of the uniformity loss (eq. 8)")
	f.Int64Var(&c.Weights, "weights", c.Weights, "n, the number of weight vectors of a picture")
	f.Float64Var(&c.UniformityT, "uniformity-t", c.UniformityT, "t of the uniformity loss (eq. 9)")
	f.Float64Var(&c.Alpha, "alpha", c.Alpha, "rate of the fast weights (eq. 7); 0: the learning rate --lr")
	f.Float64Var(&c.Beta, "beta", c.Beta, "rate of Adam on f_msr")
	f.StringVar(&c.Space, "msr-space", c.Space, "what the weights multiply: embedding or feature")
	f.StringVar(&c.MetaGrad, "meta-grad", c.MetaGrad, "meta gradient: forward-mode, unrolled (both exact) or finite-difference")
	f.IntVar(&c.MetaEvery, "meta-every", c.MetaEvery, "meta step on every K-th batch; 1 is the paper")
	f.StringVar(&c.Ablation, "msr-ablation", c.Ablation, "take a part away: none, ones, frozen, uniformity-only or no-uniformity")
	f.BoolVar(&c.GammaBalance, "gamma-balance", c.GammaBalance, "scale gamma so that both gradients on f_msr have one norm")
	f.StringVar(&c.MSRTrunk, "msr-trunk", c.MSRTrunk, "trunk of f_msr: "+nets.MSRTrunks())
	f.Float64Var(&c.MSRWidth, "msr-width", c.MSRWidth, "width factor of f_msr")

	f.StringVar(&c.Arch, "arch", c.Arch, "backbone: "+strings.Join(nets.Arches(), ", ")+", or "+ScriptedArch+"FILE, a TorchScript module from pictures to features")
	f.Float64Var(&c.Width, "width", c.Width, "width factor of the backbone")
	f.StringVar(&c.Stem, "stem", c.Stem, "first layers: cifar, stl or imagenet")
	f.Int64Var(&c.Hidden, "hidden", c.Hidden, "width of the head's hidden layer")
	f.Int64Var(&c.Dim, "dim", c.Dim, "width of the embeddings")
	f.Float64Var(&c.Temperature, "temperature", c.Temperature, "tau")
	f.Float64Var(&c.TargetMomentum, "momentum-target", c.TargetMomentum, "tau of the target network's moving average, at the start (0: the method's own)")
	f.Int64Var(&c.Queue, "queue", c.Queue, "rows of the queue, of methods that have one (0: the method's own)")

	f.Int64SliceVar(&c.Prototypes, "prototypes", c.Prototypes, "swav: number of prototypes; pcl: of clusters in each clustering (none: the method's own)")
	f.Var(&c.Options, "method-option", "NAME=VALUE, constants of the method's own (see run methods --options)")

	f.StringVar(&c.Dataset, "dataset", c.Dataset, strings.Join(datasets.Names(), ", ")+" (see run datasets)")
	f.StringVar(&c.DataDir, "data-dir", c.DataDir, "where the data set's files are")
	f.StringVar(&c.Foreground, "foreground-dir", c.Foreground, "confounded: Fashion-MNIST's folder (empty: drawn objects)")
	f.BoolVar(&c.Unlabelled, "unlabelled", c.Unlabelled, "stl10: train on its pictures without labels, too")
	f.StringVar(&c.Variant, "train-variant", c.Variant, "of data sets whose foreground is known: train on full pictures, foreground, background-removed (coco) or new-background")
	f.StringVar(&c.Classes, "classes", c.Classes, "of data sets in class folders: these classes only, comma-separated, a file with one at the start of each line, or "+datasets.ImageNet100)
	f.StringVar(&c.ValLabels, "val-labels", c.ValLabels, "imagenet: file with the labels of a flat val")
	f.StringVar(&c.BadPictures, "bad-pictures", c.BadPictures, "skip pictures that cannot be read, with a warning, or stop")
	f.StringVar(&c.Depth16, "depth16", c.Depth16, Depth16Help)
	f.IntVar(&c.Count, "count", c.Count, "shapes, confounded: number of training pictures (0: 5000); 2000 are for testing")
	f.Float64Var(&c.Correlation, "correlation", c.Correlation, "shapes, confounded: share of pictures whose background is their class's")
	f.Uint64Var(&c.DataSeed, "data-seed", c.DataSeed, "shapes, confounded: seed of the pictures themselves")
	f.StringVar(&c.Augment, "augment", c.Augment, "augmentation: cifar, stl10, tiny-imagenet or imagenet")
	f.Var(&c.AugmentOptions, "augment-option", "NAME=VALUE, numbers of the strong view: "+strings.Join(augmentOptionNames(), ", ")+" (probabilities, strengths, shares of the area)")
	f.StringVar(&c.AugmentOn, "augment-on", c.AugmentOn, "where views are made: host, picture by picture, device, in batches, or auto, on a GPU as far as it can")
	f.StringVar(&c.KeepOnDevice, "keep-on-device", c.KeepOnDevice, "keep all pictures on the device, as bytes, and make views of them there: yes, no, or auto, on a GPU if they are of one size and at most 4 GiB")
	f.BoolVar(&c.ScaledDecode, "scaled-decode", c.ScaledDecode, "decode large JPEGs at 1/2, 1/4 or 1/8 of their size where no view needs more pixels")
	f.IntVar(&c.Size, "size", c.Size, "side of a view in pixels")

	f.IntVar(&c.Epochs, "epochs", c.Epochs, "passes over the data")
	f.IntVar(&c.BatchSize, "batch-size", c.BatchSize, "pictures of a step, on all processes together (two views of each)")
	f.IntVar(&c.MicroBatch, "micro-batch", c.MicroBatch, "pictures of a step that the networks of a process see at a time: the gradient of the whole batch in the memory of so many; batch norms take the statistics of so many (0: all)")
	f.BoolVar(&c.Recompute, "checkpoint-activations", c.Recompute, "keep the inputs of the backbone's blocks alone and run each block twice: less memory, the same gradient, the batch norms of the whole batch")
	f.StringVar(&c.Optimizer, "optimizer", c.Optimizer, "adam, sgd or lars")
	f.Float64Var(&c.LR, "lr", c.LR, "learning rate")
	f.IntVar(&c.ScaleLR, "scale-lr", c.ScaleLR, "multiply the learning rate by --batch-size over this number, 256 in many recipes (0: take --lr as it is)")
	f.Float64Var(&c.WeightDecay, "weight-decay", c.WeightDecay, "L2 penalty")
	f.Float64Var(&c.Momentum, "momentum", c.Momentum, "momentum of sgd and lars")
	f.StringVar(&c.Schedule, "schedule", c.Schedule, "learning rate over time: step, cosine or constant")
	f.IntVar(&c.Warmup, "warmup", c.Warmup, "iterations of linear warm-up")
	f.IntSliceVar(&c.Drops, "drops", c.Drops, "step: epochs before the end at which the rate drops")
	f.Float64Var(&c.DropGamma, "drop-gamma", c.DropGamma, "step: factor of a drop")
	f.Uint64Var(&c.Seed, "seed", c.Seed, "fixes initialisation, data order and augmentation")
	c.Initial.Bind(f)

	f.BoolVar(&c.SyncBatchNorm, "sync-batch-norm", c.SyncBatchNorm, "in several processes, batch norms over the pictures of all; false: of each by itself, as DistributedDataParallel does")

	f.IntVar(&c.Threads, "threads", c.Threads, "threads of an operation (0: all cores)")
	f.IntVar(&c.Workers, "workers", c.Workers, "goroutines that make views (0: one for each core)")
	c.Machine.Bind(f)
	f.IntVar(&c.SaveEvery, "save-every", c.SaveEvery, "keep a checkpoint of every K-th epoch (0: the last only)")
	f.IntVar(&c.EvalEvery, "eval-every", c.EvalEvery, "after every K-th epoch, evaluate the frozen backbone into metrics.jsonl (0: never)")
	f.IntVar(&c.EvalProbe, "eval-epochs", c.EvalProbe, "epochs of that evaluation's linear probe")
	f.DurationVar(&c.SaveAfter, "save-after", c.SaveAfter, "within an epoch, save when this long has passed since the last time (0: at its end only)")
}

// Over is the file over a preset over the recipe of the method: those given, else
// the file's, else the default's.
func (s Settings) Over(method, preset string, command *pflag.FlagSet) (Config, error) {
	named := preset == ""
	if method = cmp.Or(method, s.text("method")); method == "" {
		method = Default().Method
	}
	c, err := startFrom(method, cmp.Or(preset, s.text(PresetKey)))
	if err != nil && named {
		err = s.explain(PresetKey, err)
	}
	if err != nil {
		return c, err
	}
	return c, s.apply(&c, command)
}

func PresetNames() string {
	var names []string
	for _, q := range Presets() {
		names = append(names, q.Name)
	}
	return strings.Join(names, ", ")
}

// decode reads a configuration that this program wrote: config.yaml, or what is in
// a checkpoint.
func (c *Config) decode(r io.Reader, name string) error {
	s, err := ReadSettings(r, name)
	if err != nil {
		return err
	}
	return s.apply(c, nil)
}

// rate is the learning rate after --scale-lr.
func (c *Config) rate() float64 {
	if c.ScaleLR > 0 {
		return c.LR * float64(c.BatchSize) / float64(c.ScaleLR)
	}
	return c.LR
}

// Meta is the part of the configuration that package meta takes.
func (c *Config) Meta() meta.Config {
	alpha := c.Alpha
	if alpha == 0 {
		alpha = c.rate()
	}
	d := meta.Default()
	return meta.Config{Lambda: c.Lambda, Gamma: c.Gamma, NumWeights: c.Weights, UniformityT: c.UniformityT, Alpha: alpha, Beta: c.Beta, Space: meta.Space(c.Space),
		Gradient: meta.Gradient(c.MetaGrad), Radius: d.Radius, Every: c.MetaEvery, Ablation: meta.Ablation(c.Ablation), GammaBalance: c.GammaBalance}
}
