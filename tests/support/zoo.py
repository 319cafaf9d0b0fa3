"""Layers of other people's models, small and with random weights, and by hand what each gives: [B, D, h, w] from its raw output.

A row: (name, model, layer, size, how the output becomes [B, D, h, w]).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Arrange = Callable[[Any], Tensor]


def channels_first(output: Any) -> Tensor:
    return output


def channels_last(output: Any) -> Tensor:
    return output.permute(0, 3, 1, 2)


def tokens(grid: tuple[int, int], first: int = 0) -> Arrange:
    """Tokens [B, T, D] whose grid begins behind `first` others."""

    def arrange(output: Any) -> Tensor:
        output = output[0] if isinstance(output, tuple) else output
        cells = output[:, first : first + grid[0] * grid[1]]
        return cells.transpose(1, 2).unflatten(2, grid)

    return arrange


def tokens_before_batch(grid: tuple[int, int], first: int = 0) -> Arrange:
    """Tokens [T, B, D], the order of torch's own layers."""
    return lambda output: tokens(grid, first)(output.transpose(0, 1))


class SequenceFirst(nn.Module):
    """Patches, a class token, and torch's encoder in its default order [T, B, D]."""

    def __init__(self, size: tuple[int, int], norm_first: bool = False) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 16, stride=16)
        self.token = nn.Parameter(torch.randn(1, 1, 32))
        self.positions = nn.Parameter(0.1 * torch.randn(1 + size[0] * size[1] // 256, 1, 32))
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, norm_first=norm_first), 3, enable_nested_tensor=False
        )
        self.head = nn.Linear(32, 3)

    def forward(self, images: Tensor) -> Tensor:
        cells = self.patches(images).flatten(2).permute(2, 0, 1)  # [T, B, D]
        cells = torch.cat([self.token.expand(-1, cells.shape[1], -1), cells]) + self.positions
        return self.head(self.encoder(cells).mean(dim=0))


class RegistersBehind(nn.Module):
    """A timm transformer whose extra tokens stand behind those of the grid."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 16, stride=16)
        self.registers = nn.Parameter(torch.randn(1, 4, 32))
        self.blocks = nn.Sequential(*(nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True) for _ in range(2)))
        self.head = nn.Linear(32, 3)

    def forward(self, images: Tensor) -> Tensor:
        cells = self.patches(images).flatten(2).transpose(1, 2)
        return self.head(self.blocks(torch.cat([cells, self.registers.expand(len(cells), -1, -1)], dim=1)).mean(dim=1))


class Pyramid(nn.Module):
    """A layer that gives a dict, and one that runs twice."""

    def __init__(self) -> None:
        super().__init__()

        class Fork(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.fine, self.coarse = nn.Conv2d(3, 8, 3, stride=8), nn.Conv2d(3, 8, 3, stride=16)

            def forward(self, images: Tensor) -> dict[str, Tensor]:
                return {"fine": self.fine(images), "coarse": self.coarse(images)}

        self.fork, self.act, self.head = Fork(), nn.ReLU(inplace=True), nn.Linear(16, 3)

    def forward(self, images: Tensor) -> Tensor:
        out = self.fork(images)
        return self.head(torch.cat([self.act(out[key]).mean((2, 3)) for key in ("fine", "coarse")], dim=1))


def of_torchvision() -> list[tuple[str, Callable[[], nn.Module], str, tuple[int, int], Arrange]]:
    import torchvision.models as tv
    from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformerBlockV2

    def swin(size: int = 0) -> nn.Module:
        return tv.SwinTransformer([4, 4], 24, [1, 1, 2], [2, 2, 4], [7, 7], num_classes=3, stochastic_depth_prob=0.0)

    def swin_v2() -> nn.Module:
        return tv.SwinTransformer(
            [4, 4], 24, [1, 1, 2], [2, 2, 4], [8, 8], num_classes=3, stochastic_depth_prob=0.0,
            block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2,
        )  # fmt: skip

    def vit() -> nn.Module:
        model = tv.VisionTransformer(64, 16, 3, 3, 48, 96, num_classes=3)
        nn.init.normal_(model.heads.head.weight)
        return model

    def convnext() -> nn.Module:
        return tv.ConvNeXt([tv.convnext.CNBlockConfig(24, 48, 1), tv.convnext.CNBlockConfig(48, None, 1)], num_classes=3)

    square, wide = (64, 64), (64, 96)
    return [
        ("resnet18", lambda: tv.resnet18(num_classes=3), "layer4", square, channels_first),
        ("resnet18 wide", lambda: tv.resnet18(num_classes=3), "layer3", wide, channels_first),
        ("resnet18 inplace", lambda: tv.resnet18(num_classes=3), "layer4.1.bn2", square, channels_first),
        ("densenet", lambda: tv.DenseNet(8, (2, 2, 2, 2), 16, num_classes=3), "features.norm5", square, channels_first),
        ("vgg pool", lambda: tv.vgg11(num_classes=3), "features", square, channels_first),
        ("mobilenet", lambda: tv.mobilenet_v3_small(num_classes=3), "features.8", square, channels_first),
        ("convnext", convnext, "features.3", square, channels_first),
        ("convnext inner", convnext, "features.3.0.block.2", square, channels_last),
        ("swin", swin, "features.5", square, channels_last),
        ("swin wide", swin, "features.3", (64, 128), channels_last),
        ("swin norm", swin, "norm", square, channels_last),
        ("swin permuted", swin, "permute", square, channels_first),
        ("swin v2", swin_v2, "features.5", square, channels_last),
        ("vit", vit, "encoder.layers.encoder_layer_1", square, tokens((4, 4), 1)),
        ("vit norm", vit, "encoder.layers.encoder_layer_2.ln_1", square, tokens((4, 4), 1)),
        ("maxvit", lambda: tv.MaxVit((56, 56), 8, 7, [8, 16], [1, 1], 8, num_classes=3, stochastic_depth_prob=0.0), "blocks.1", (56, 56),
         channels_first),
    ]  # fmt: skip


def of_timm() -> list[tuple[str, Callable[[], nn.Module], str, tuple[int, int], Arrange]]:
    import timm
    from timm.models import ConvNeXt, MlpMixer, SwinTransformer, SwinTransformerV2, VisionTransformer
    from timm.models.vision_transformer_hybrid import HybridEmbed

    small: dict[str, Any] = {"patch_size": 16, "embed_dim": 48, "depth": 3, "num_heads": 3, "num_classes": 3}

    def hybrid() -> nn.Module:
        stem = timm.create_model("resnet10t", num_classes=0, features_only=True, out_indices=(3,))

        def embed(**options: Any) -> nn.Module:
            options.pop("norm_layer", None)
            return HybridEmbed(stem, **options)

        options = {"img_size": 128, "patch_size": 1, "embed_dim": 48, "depth": 2, "num_heads": 3, "num_classes": 3}
        return VisionTransformer(embed_layer=embed, **options)

    def mixer() -> nn.Module:
        model = MlpMixer(num_classes=3, img_size=64, patch_size=16, num_blocks=3, embed_dim=48)
        nn.init.normal_(model.head.weight)  # timm begins with zeros
        return model

    return [
        ("timm resnet", lambda: timm.create_model("resnet10t", num_classes=3), "layer4", (64, 96), channels_first),
        ("timm efficientnet", lambda: timm.create_model("tinynet_e", num_classes=3), "blocks.5", (64, 64), channels_first),
        ("timm vit", lambda: VisionTransformer(img_size=64, **small), "blocks.1", (64, 64), tokens((4, 4), 1)),
        ("timm vit wide", lambda: VisionTransformer(img_size=(64, 96), **small), "blocks.1", (64, 96), tokens((4, 6), 1)),
        ("timm vit registers", lambda: VisionTransformer(img_size=(64, 96), reg_tokens=4, **small), "blocks.2.norm1", (64, 96),
         tokens((4, 6), 5)),
        ("timm vit without class token", lambda: VisionTransformer(img_size=64, class_token=False, global_pool="avg", **small), "blocks.2",
         (64, 64), tokens((4, 4))),
        ("timm vit patches", lambda: VisionTransformer(img_size=64, **small), "patch_embed", (64, 64), tokens((4, 4))),
        ("timm deit", lambda: timm.models.deit.VisionTransformerDistilled(img_size=64, **small), "blocks.1", (64, 64), tokens((4, 4), 2)),
        ("timm swin", lambda: SwinTransformer(img_size=64, patch_size=4, embed_dim=24, depths=(1, 2), num_heads=(2, 4), window_size=4,
                                              num_classes=3), "layers.1", (64, 64), channels_last),
        ("timm swin wide", lambda: SwinTransformer(img_size=(64, 128), patch_size=4, embed_dim=24, depths=(1, 2), num_heads=(2, 4),
                                                   window_size=4, num_classes=3), "layers.1.blocks.1", (64, 128), channels_last),
        ("timm swin v2", lambda: SwinTransformerV2(img_size=64, patch_size=4, embed_dim=24, depths=(1, 2), num_heads=(2, 4), window_size=4,
                                                   num_classes=3), "layers.1", (64, 64), channels_last),
        ("timm mixer", mixer, "blocks.1", (64, 64), tokens((4, 4))),
        ("timm convnext", lambda: ConvNeXt(num_classes=3, depths=(1, 1, 1, 1), dims=(8, 16, 24, 32)), "stages.3", (64, 64), channels_first),
        ("timm convnext channels last", lambda: ConvNeXt(num_classes=3, depths=(1, 1, 1, 1), dims=(8, 16, 24, 32), conv_mlp=False),
         "stages.2.blocks.0.norm", (64, 64), channels_last),
        ("timm hybrid", hybrid, "blocks.1.norm1", (128, 128), tokens((8, 8), 1)),
    ]  # fmt: skip


def of_hugging_face() -> list[tuple[str, Callable[[], nn.Module], str, tuple[int, int], Arrange]]:
    import transformers as hf

    vit: dict[str, Any] = {
        "hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 96, "num_labels": 3,
        "attn_implementation": "eager",
    }  # fmt: skip

    def dinov2(registers: int) -> nn.Module:
        config = hf.Dinov2WithRegistersConfig(image_size=64, patch_size=16, num_register_tokens=registers, mlp_ratio=2, **vit)
        return hf.Dinov2WithRegistersForImageClassification(config)

    return [
        ("hf vit", lambda: hf.ViTForImageClassification(hf.ViTConfig(image_size=64, patch_size=16, **vit)), "vit.layers.1", (64, 64),
         tokens((4, 4), 1)),
        ("hf registers", lambda: dinov2(4), "dinov2_with_registers.encoder.layer.1", (64, 64), tokens((4, 4), 5)),
        ("hf swin", lambda: hf.SwinForImageClassification(hf.SwinConfig(image_size=64, embed_dim=24, depths=[1, 2], num_heads=[2, 4],
                                                                        window_size=4, num_labels=3)), "swin.layernorm", (64, 64),
         tokens((8, 8))),
        ("hf swin block wide", lambda: hf.SwinForImageClassification(hf.SwinConfig(image_size=64, embed_dim=24, depths=[1, 2],
                                                                                   num_heads=[2, 4], window_size=4, num_labels=3)),
         "swin.encoder.layers.1.blocks.0", (64, 128), tokens((8, 16))),
        ("hf swin v2", lambda: hf.Swinv2ForImageClassification(hf.Swinv2Config(image_size=64, embed_dim=24, depths=[1, 2], num_heads=[2, 4],
                                                                               window_size=4, num_labels=3)), "swinv2.layernorm", (64, 64),
         tokens((8, 8))),
        ("hf resnet", lambda: hf.ResNetForImageClassification(hf.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1],
                                                                              num_labels=3)), "resnet.encoder.stages.1", (64, 96),
         channels_first),
        ("hf convnext", lambda: hf.ConvNextForImageClassification(hf.ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2,
                                                                                    num_labels=3)), "convnext.encoder.stages.1", (64, 64),
         channels_first),
    ]  # fmt: skip


def of_torch() -> list[tuple[str, Callable[[], nn.Module], str, tuple[int, int], Arrange]]:
    return [
        ("sequence first", lambda: SequenceFirst((64, 96)), "encoder.layers.1", (64, 96), tokens_before_batch((4, 6), 1)),
        ("sequence first, norm first", lambda: SequenceFirst((64, 64), True), "encoder.layers.2.norm1", (64, 64),
         tokens_before_batch((4, 4), 1)),
        ("registers behind", RegistersBehind, "blocks.0", (64, 96), tokens((4, 6))),
        ("a dict", Pyramid, "fork[coarse]", (64, 64), lambda output: output["coarse"]),
    ]  # fmt: skip
