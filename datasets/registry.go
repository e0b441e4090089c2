package datasets

// Info describes a data set for lists.
type Info struct {
	Name   string
	About  string // what it is
	Layout string // the files that it needs below its folder DIR
	Source string // where the files come from
	Sums   []Sum  // published checksums of the files
}

type entry struct {
	Info
	open func(Options) (Dataset, error)
	find []string // folders to look into if Options.Dir is empty
}

func registry() []entry {
	return []entry{
		{
			Info: Info{
				Name:   "shapes",
				About:  "objects of 10 classes over drawn backgrounds, the foreground known",
				Layout: "none",
				Source: "drawn by this program",
			},
			open: openShapes,
		},
		{
			Info: Info{
				Name:  "cifar10",
				About: "CIFAR-10, binary or Python version (no pickle is run)",
				Layout: "DIR/cifar-10-batches-bin/data_batch_1.bin ... test_batch.bin, " +
					"or DIR/cifar-10-batches-py/data_batch_1 ... test_batch",
				Source: "https://www.cs.toronto.edu/~kriz/cifar.html",
				Sums:   cifar10Sums(),
			},
			open: openCIFAR,
		},
		{
			Info: Info{
				Name:   "cifar100",
				About:  "CIFAR-100, fine labels, binary or Python version",
				Layout: "DIR/cifar-100-binary/train.bin, test.bin, or DIR/cifar-100-python/train, test",
				Source: "https://www.cs.toronto.edu/~kriz/cifar.html",
				Sums:   cifar100Sums(),
			},
			open: openCIFAR,
		},
		{
			Info: Info{
				Name:   "stl10",
				About:  "STL-10, binary version; the training split can have its 100,000 pictures without labels, too",
				Layout: "DIR/stl10_binary/train_X.bin, train_y.bin, test_X.bin, test_y.bin, unlabeled_X.bin",
				Source: "https://cs.stanford.edu/~acoates/stl10",
				Sums:   stl10Sums(),
			},
			open: openSTL10,
		},
		{
			Info: Info{
				Name:   "tiny_imagenet",
				About:  "Tiny ImageNet",
				Layout: "DIR/tiny-imagenet-200/train/SYNSET/images/*.JPEG, val/images/*.JPEG, val/val_annotations.txt",
				Source: "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
			},
			open: openTinyImageNet,
		},
		{
			Info: Info{
				Name:  "imagenet",
				About: "ImageNet, ILSVRC 2012; all classes, or a list of them (ImageNet-100)",
				Layout: "DIR/train/SYNSET/*.JPEG, DIR/val/SYNSET/*.JPEG, " +
					"or DIR/val/*.JPEG with a list of their labels (DIR/val.txt, DIR/LOC_val_solution.csv or another file)",
				Source: "https://image-net.org/download.php",
			},
			open: openImageNet,
		},
		{
			Info: Info{
				Name:  "coco",
				About: "COCO: the pictures with one object, of the paper's 30 classes; foreground by its box",
				Layout: "DIR/annotations/instances_train2017.json, instances_val2017.json, " +
					"DIR/train2017, DIR/val2017 (or 2014)",
				Source: "https://cocodataset.org/#download",
			},
			open: openCOCO,
		},
		{
			Info: Info{
				Name:  "fashion_mnist",
				About: "Fashion-MNIST, IDX files",
				Layout: "DIR/train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, " +
					"t10k-labels-idx1-ubyte, each also as .gz (or in DIR/FashionMNIST/raw); " +
					"default: those of Debian's package dataset-fashion-mnist",
				Source: "https://github.com/zalandoresearch/fashion-mnist",
			},
			open: openFashionMNIST,
			find: []string{debianFashionMNIST},
		},
		{
			Info: Info{
				Name:  "folder",
				About: "any pictures (" + readable + "), a folder for each class",
				Layout: "DIR/train/CLASS/**, DIR/test/CLASS/** (or val, valid, validation, testing); " +
					"or DIR/CLASS/**, of which every tenth is for testing",
				Source: "your own",
			},
			open: openFolder,
		},
		{
			Info: Info{
				Name:   "unlabelled",
				About:  "any pictures (" + readable + "), at any depth, without labels: for pre-training",
				Layout: "DIR/**/*",
				Source: "your own",
			},
			open: openUnlabelled,
		},
		{
			Info: Info{
				Name: "shards",
				About: "pictures in tar files, which are not unpacked: WebDataset's (KEY.jpg, KEY.cls or KEY.json), " +
					"or class folders",
				Layout: "DIR/train*.tar, DIR/val*.tar (or test), or DIR/train/*.tar, DIR/val/*.tar",
				Source: "your own",
			},
			open: openShards,
		},
		{
			Info: Info{
				Name: "confounded",
				About: "garments of Fashion-MNIST or drawn objects pasted over the pictures of a folder, " +
					"the foreground known",
				Layout: "DIR as for folder; the garments' folder as for fashion_mnist",
				Source: "your own",
			},
			open: openConfounded,
		},
	}
}

// All describes the data sets that Open knows.
func All() []Info {
	var out []Info
	for _, e := range registry() {
		out = append(out, e.Info)
	}
	return out
}

// Names lists the names of the data sets that Open knows.
func Names() []string {
	var out []string
	for _, i := range All() {
		out = append(out, i.Name)
	}
	return out
}
