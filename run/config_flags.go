package main

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/settings"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/train"
)

// bindConfig binds the settings of a run. Each flag has the name of its key in config.yaml.
func bindConfig(f *pflag.FlagSet, c *train.Config) {
	f.StringVar(&c.Method, "method", c.Method, "method: "+strings.Join(methods.Names(), ", "))
	if f.Lookup("msr") == nil { // compare has another flag of this name
		f.BoolVar(&c.UseMSR, "msr", c.UseMSR, "add the meta semantic regularizer")
	}
	f.Float64Var(&c.MSR.Lambda, "lambda", c.MSR.Lambda, "weight of the do-loss L_msr (eq. 5)")
	f.Float64Var(&c.MSR.Gamma, "gamma", c.MSR.Gamma, "weight of the uniformity loss (eq. 8)")
	f.Int64Var(&c.MSR.NumWeights, "weights", c.MSR.NumWeights, "n, the number of weight vectors for each picture")
	f.Float64Var(&c.MSR.UniformityT, "uniformity-t", c.MSR.UniformityT, "t of the uniformity loss (eq. 9)")
	f.Float64Var(&c.MSR.Alpha, "alpha", c.MSR.Alpha, "learning rate of the fast weights (eq. 7) (0: --lr)")
	f.Float64Var(&c.MSR.Beta, "beta", c.MSR.Beta, "learning rate of Adam on f_msr")
	f.StringVar((*string)(&c.MSR.Space), "msr-space", string(c.MSR.Space),
		"what the weights multiply: embedding or feature")
	f.StringVar((*string)(&c.MSR.GradientMethod), "meta-grad", string(c.MSR.GradientMethod),
		"meta gradient: forward-mode, unrolled (both exact) or finite-difference")
	f.IntVar(&c.MSR.Every, "meta-every", c.MSR.Every, "meta step on every K-th batch; 1 is the paper")
	f.StringVar((*string)(&c.MSR.Ablation), "msr-ablation", string(c.MSR.Ablation),
		"leave a part of MSR out: none, ones, frozen, uniformity-only or no-uniformity")
	f.BoolVar(&c.MSR.GammaBalance, "gamma-balance", c.MSR.GammaBalance,
		"scale gamma so that both gradients on f_msr have the same norm")
	f.StringVar(&c.MSRNet.Trunk, "msr-trunk", c.MSRNet.Trunk, "trunk of f_msr: "+nets.MSRTrunks())
	f.Float64Var(&c.MSRNet.Width, "msr-width", c.MSRNet.Width, "width factor of f_msr")

	f.StringVar(&c.Arch, "arch", c.Arch,
		"backbone: "+strings.Join(nets.Arches(),
			", ")+", or "+train.ScriptedArch+"FILE, a TorchScript module from pictures to features")
	f.Float64Var(&c.Width, "width", c.Width, "width factor of the backbone")
	f.StringVar(&c.Stem, "stem", c.Stem, "first layers: cifar, stl or imagenet")
	f.Int64Var(&c.MethodConfig.Hidden, "hidden", c.MethodConfig.Hidden, "width of the head's hidden layer")
	f.Int64Var(&c.MethodConfig.Dim, "dim", c.MethodConfig.Dim, "width of the embeddings")
	f.Float64Var(&c.MethodConfig.Temperature, "temperature", c.MethodConfig.Temperature, "tau")
	f.Float64Var(&c.MethodConfig.Momentum, "momentum-target", c.MethodConfig.Momentum,
		"initial momentum tau of the target network's moving average (0: the method's default)")
	f.Int64Var(&c.MethodConfig.Queue, "queue", c.MethodConfig.Queue,
		"rows of the queue, for methods that have one (0: the method's default)")

	f.Int64SliceVar(&c.MethodConfig.Prototypes, "prototypes", c.MethodConfig.Prototypes,
		"swav: number of prototypes; pcl: number of clusters in each clustering (empty: the method's default)")
	f.Var((*settings.NamedValues)(&c.MethodConfig.Options), "method-option",
		"NAME=VALUE, constants of the method (see run methods --options)")

	f.StringVar(&c.Data.Name, "dataset", c.Data.Name, strings.Join(datasets.Names(), ", ")+" (see run datasets)")
	f.StringVar(&c.Data.Dir, "data-dir", c.Data.Dir, "folder of the data set's files")
	f.StringVar(&c.Data.Foreground, "foreground-dir", c.Data.Foreground,
		"confounded: Fashion-MNIST's folder (empty: drawn objects)")
	f.BoolVar(&c.Data.Unlabelled, "unlabelled", c.Data.Unlabelled, "stl10: also train on its unlabelled pictures")
	f.StringVar(&c.Variant, "train-variant", c.Variant,
		"for data sets whose foreground is known, what to train on: full, foreground, background-removed (coco) or "+
			"new-background")
	f.StringVar(&c.Classes, "classes", c.Classes,
		"for data sets in class folders, the classes to use: a comma-separated list, "+
			"a file that has one at the start of each line, or "+datasets.ImageNet100)
	f.StringVar(&c.Data.Labels, "val-labels", c.Data.Labels, "imagenet: file with the labels of a flat val")
	f.StringVar(&c.BadPictures, "bad-pictures", c.BadPictures,
		"what to do about pictures that cannot be read: skip (with a warning) or stop")
	f.StringVar((*string)(&c.Data.Depth16), "depth16", string(c.Data.Depth16), depth16Help)
	f.IntVar(&c.Data.Count, "count", c.Data.Count,
		"shapes, confounded: number of training pictures (0: 5000); 2000 more are for testing")
	f.Float64Var(&c.Data.Correlation, "correlation", c.Data.Correlation,
		"shapes, confounded: share of pictures whose background is that of their class")
	f.Uint64Var(&c.Data.Seed, "data-seed", c.Data.Seed, "shapes, confounded: seed that draws the pictures")
	f.StringVar(&c.Augment, "augment", c.Augment, "augmentation: cifar, cifar100, stl10, tiny-imagenet or imagenet")
	f.Var((*settings.NamedValues)(&c.AugmentOptions), "augment-option",
		"NAME=VALUE, parameters of the strong view: "+strings.Join(train.AugmentOptionNames(),
			", ")+" (probabilities, strengths, shares of the area)")
	f.StringVar(&c.AugmentOn, "augment-on", c.AugmentOn,
		"where views are made: host (picture by picture), device (in batches), or auto (a GPU makes those it can)")
	f.StringVar(&c.KeepOnDevice, "keep-on-device", c.KeepOnDevice,
		"keep all pictures on the device, as bytes, and make their views there: yes, no, or auto (on a GPU, if they "+
			"have one size and need at most 4 GiB)")
	f.BoolVar(&c.ScaledDecode, "scaled-decode", c.ScaledDecode,
		"decode large JPEGs at 1/2, 1/4 or 1/8 of their size where no view needs more pixels")
	f.IntVar(&c.Size, "size", c.Size, "side of a view in pixels")
	bindInterventions(f, &c.Intervene)

	f.IntVar(&c.Schedule.Epochs, "epochs", c.Schedule.Epochs, "passes over the data")
	f.IntVar(&c.BatchSize, "batch-size", c.BatchSize, "pictures of a step, in all processes together (two views of each)")
	f.IntVar(&c.MicroBatch, "micro-batch", c.MicroBatch,
		"pictures that a process runs through its networks at a time: the gradient is that of the whole batch, in the "+
			"memory of a micro-batch; batch norms take the micro-batch's statistics (0: the whole batch)")
	f.BoolVar(&c.Recompute, "checkpoint-activations", c.Recompute,
		"keep only the inputs of the backbone's blocks and run each block twice: this needs less memory, and gives "+
			"the same gradient and the batch norms of the whole batch")
	f.StringVar(&c.Optimizer.Name, "optimizer", c.Optimizer.Name, "optimizer: adam, sgd or lars")
	f.Float64Var(&c.Schedule.LR, "lr", c.Schedule.LR, "learning rate")
	f.IntVar(&c.ScaleLR, "scale-lr", c.ScaleLR,
		"multiply --lr by --batch-size over this number, 256 in many recipes (0: use --lr unchanged)")
	f.Float64Var(&c.Optimizer.WeightDecay, "weight-decay", c.Optimizer.WeightDecay, "L2 penalty")
	f.Float64Var(&c.Optimizer.Momentum, "momentum", c.Optimizer.Momentum, "momentum of sgd and lars")
	f.StringVar(&c.Schedule.Kind, "schedule", c.Schedule.Kind, "schedule of the learning rate: step, cosine or constant")
	f.IntVar(&c.Schedule.Warmup, "warmup", c.Schedule.Warmup, "iterations of linear warm-up")
	f.IntSliceVar(&c.Schedule.Drops, "drops", c.Schedule.Drops,
		"schedule step: the rate drops this many epochs before the end")
	f.Float64Var(&c.Schedule.Gamma, "drop-gamma", c.Schedule.Gamma, "schedule step: factor of a drop")
	f.Uint64Var(&c.Seed, "seed", c.Seed, "seed of initialisation, data order and augmentation")
	bindInitial(f, &c.Initial)

	f.BoolVar(&c.SyncBatchNorm, "sync-batch-norm", c.SyncBatchNorm,
		"in several processes, batch norms take the statistics of all processes' pictures; false: of each process's "+
			"own, as in DistributedDataParallel")

	f.IntVar(&c.Threads, "threads", c.Threads, "threads of an operation (0: all cores)")
	f.IntVar(&c.Workers, "workers", c.Workers, "goroutines that make views (0: one per core)")
	bindMachine(f, &c.Machine)
	f.IntVar(&c.SaveEvery, "save-every", c.SaveEvery, "keep the checkpoint of every K-th epoch (0: only the last)")
	f.IntVar(&c.EvalEvery, "eval-every", c.EvalEvery,
		"after every K-th epoch, evaluate the frozen backbone into metrics.jsonl (0: never)")
	f.IntVar(&c.EvalProbe, "eval-epochs", c.EvalProbe, "epochs of that evaluation's linear probe")
	f.DurationVar(&c.SaveAfter, "save-after", c.SaveAfter,
		"within an epoch, save when this much time has passed since the last save (0: save only at its end)")
}

func bindInitial(f *pflag.FlagSet, n *train.Initial) {
	f.StringVar(&n.File, "init", n.File,
		"start from the backbone of a PyTorch or safetensors file: of torchvision, timm, MoCo, SimCLR, BYOL, SwAV, DINO, "+
			"solo-learn, lightly and others; no code in the file is run")
	f.BoolVar(&n.Partial, "init-partial", n.Partial,
		"take the tensors of --init that fit, and initialise the others as without --init")
	f.StringVar(&n.Prefix, "init-prefix", n.Prefix,
		"prefix of the backbone's names in --init, if it is not found automatically")
	f.BoolVar(&n.Verbose, "verbose", n.Verbose, "name all tensors of --init that do not fit, not only the first ones")
}

func bindMachine(f *pflag.FlagSet, m *train.Machine) {
	f.StringVar(&m.Device, "device", m.Device, "device: cpu, cuda or cuda:i")
	f.StringVar(&m.Precision, "precision", m.Precision, "on GPUs: tf32 (PyTorch's default: convolutions multiply "+
		"with 10 bits of mantissa) or float32; a CPU always uses float32")
	f.BoolVar(&m.Deterministic, "deterministic", m.Deterministic, "on GPUs: use slower algorithms that give the same "+
		"bits each time; a CPU always gives the same bits")
}

// settingFlags returns a flag for each setting of config.yaml. Each flag writes into c.
func settingFlags(c *train.Config) *pflag.FlagSet {
	all, out := pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	bindConfig(all, c)
	all.VisitAll(func(g *pflag.Flag) {
		if g.Name != "verbose" { // --verbose is not a setting
			out.AddFlag(g)
		}
	})
	return out
}

const depth16Help = "how 16-bit samples become 8-bit ones: their high byte (high), scaled from a picture's least " +
	"sample to its greatest (scale), or from its 1st percentile to its 99th (percentile)"
