package experiment

import (
	"fmt"

	"github.com/icl-msr/icl-msr/train"
)

// published holds a method's figures in the paper (arXiv:2206.14702) without and with MSR: "linear, 5-NN" or "top-1,
// top-5" in percent. A figure that the paper does not have is empty.
type published struct{ plain, msr string }

// paperFigures is a table of the paper, with a row for each method.
type paperFigures struct {
	network string // network and data set of the table
	rows    map[string]published
}

// paperTable returns the paper's table for a data set. rows is nil if there is none.
func paperTable(c train.Config) paperFigures {
	switch {
	case c.Data.Name == "imagenet" && c.Classes != "":
		return paperFigures{"ResNet-50 on ImageNet-100 (its Table 2)", tableTwo()}
	case c.Data.Name == "imagenet":
		return paperFigures{"ResNet-50 on ImageNet (its Table 3)", tableThree()}
	}
	column, ok := map[string]int{"cifar10": 0, "cifar100": 1, "stl10": 2, "tiny_imagenet": 3}[c.Data.Name]
	if !ok {
		return paperFigures{}
	}
	name := []string{"CIFAR-10", "CIFAR-100", "STL-10", "Tiny ImageNet"}[column]
	epochs := []int{1000, 1000, 2000, 1000}[column]
	out := paperFigures{fmt.Sprintf("ResNet-18 on %s after %d epochs (its Table 1)", name, epochs), map[string]published{}}
	for method, row := range tableOne() {
		p := published{plain: row.plain[column]}
		if row.msr != nil {
			p.msr = row.msr[column]
		}
		out.rows[method] = p
	}
	return out
}

// tableOne is the paper's Table 1: ResNet-18. The columns are CIFAR-10, CIFAR-100, STL-10 and Tiny ImageNet, each with
// linear, 5-NN.
func tableOne() map[string]struct{ plain, msr []string } {
	return map[string]struct{ plain, msr []string }{
		"simclr": {
			plain: []string{"91.80, 88.42", "66.83, 56.56", "90.51, 85.68", "48.84, 32.86"},
			msr:   []string{"92.34, 89.47", "67.59, 57.64", "92.03, 86.94", "50.12, 32.88"},
		},
		"byol": {
			plain: []string{"91.73, 89.45", "66.60, 56.82", "91.99, 88.64", "51.00, 36.24"},
			msr:   []string{"92.26, 90.12", "66.97, 57.97", "93.22, 89.36", "52.54, 37.54"},
		},
		"w_mse": {plain: []string{"91.99, 89.87", "67.64, 56.45", "91.75, 88.59", "49.22, 35.44"}},
		"ressl": {
			plain: []string{"90.20, 88.26", "63.79, 53.72", "88.25, 86.33", "46.60, 32.39"},
			msr:   []string{"91.77, 89.06", "65.12, 55.07", "89.91, 88.06", "47.17, 33.03"},
		},
		"lmcl": {
			plain: []string{"91.91, 88.52", "67.01, 56.86", "90.87, 85.91", "49.24, 32.88"},
			msr:   []string{"92.45, 89.38", "67.99, 57.71", "91.56, 87.73", "52.61, 32.35"},
		},
		"ssl_hsic": {plain: []string{"91.95, 89.99", "67.23, 57.01", "92.09, 88.91", "51.37, 36.03"}},
		"relic":    {plain: []string{"91.96, 89.35", "67.24, 56.88", "91.15, 86.21", "49.17, 32.97"}},
	}
}

// tableTwo is the paper's Table 2: ResNet-50, ImageNet-100; top-1, top-5. The table has a row "CMC + SwAV", which this
// program reads as SwAV with MSR.
func tableTwo() map[string]published {
	return map[string]published{
		"simclr": {"70.15, 89.75", "72.08, 91.81"},
		"moco":   {"72.80, 91.64", ""},
		"cmc":    {"73.58, 92.06", "74.60, 92.87"},
		"swav":   {"75.78, 92.86", "75.91, 92.88"},
		"dcl":    {"74.60, 92.08", "75.68, 93.17"},
		"lmcl":   {"75.89, 92.89", "76.45, 93.88"},
	}
}

// tableThree is the paper's Table 3: ResNet-50, ImageNet; top-1, top-5.
func tableThree() map[string]published {
	return map[string]published{
		"simclr":   {"69.3, 89.0", "70.9, 90.5"},
		"moco":     {"71.1, -", ""},
		"cmc":      {"66.2, 87.0", ""},
		"cpc":      {"63.8, 85.3", ""},
		"infomin":  {"73.0, 91.1", ""},
		"swav":     {"75.3, -", "75.5, -"},
		"byol":     {"74.3, 91.6", "75.4, 92.6"},
		"relic":    {"74.8, 92.2", ""},
		"ssl_hsic": {"72.2, 90.7", ""},
	}
}

// tableFour is the paper's Table 4: 1% top-1, top-5; 10% top-1, top-5.
func tableFour() map[string]string {
	return map[string]string{
		"simclr":     "48.3, 75.5; 65.6, 87.8",
		"byol":       "53.2, 78.4; 68.8, 89.0",
		"simclr+MSR": "50.7, 77.1; 66.9, 89.6",
		"byol+MSR":   "55.5, 80.6; 70.5, 90.7",
	}
}
