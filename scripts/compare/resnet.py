"""torchvision's ResNet, for a Python with torch and without torchvision.

The layers, their names, their order and their initialisation are those of
torchvision.models.ResNet, so that times are comparable.
"""

from torch import nn


def conv(width, out, side, stride=1):
    return nn.Conv2d(width, out, side, stride, side // 2, bias=False)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, width, out, stride=1, downsample=None):
        super().__init__()
        self.conv1, self.bn1 = conv(width, out, 3, stride), nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2, self.bn2 = conv(out, out, 3), nn.BatchNorm2d(out)
        self.downsample = downsample

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, width, out, stride=1, downsample=None):
        super().__init__()
        self.conv1, self.bn1 = conv(width, out, 1), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = conv(out, out, 3, stride), nn.BatchNorm2d(out)
        self.conv3, self.bn3 = conv(out, 4 * out, 1), nn.BatchNorm2d(4 * out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(y)))))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class ResNet(nn.Module):
    def __init__(self, block, layers):
        super().__init__()
        self.inplanes = 64
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.relu, self.maxpool = nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        for i, n in enumerate(layers):
            setattr(self, f"layer{i + 1}", self._make_layer(block, 64 << i, n, stride=1 if i == 0 else 2))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512 * block.expansion, 1000)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def _make_layer(self, block, out, n, stride=1):
        down = None
        if stride != 1 or self.inplanes != out * block.expansion:
            down = nn.Sequential(
                conv(self.inplanes, out * block.expansion, 1, stride), nn.BatchNorm2d(out * block.expansion)
            )
        blocks = [block(self.inplanes, out, stride, down)]
        self.inplanes = out * block.expansion
        return nn.Sequential(*blocks, *(block(self.inplanes, out) for _ in range(1, n)))

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))
