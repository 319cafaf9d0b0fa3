"""The questions of notebooks/06_your_gpu.ipynb."""

from __future__ import annotations

from functools import cached_property
from math import ceil, floor
from typing import Any

from workbench.lessons import speed
from workbench.lessons.feedback import Feedback, choose, near, right, wrong
from workbench.lessons.questions import Lesson, question


class YourGPULesson(Lesson):
    """Where a step's time goes, who is the limit, how much memory a batch takes, and what several processes share."""

    name = "06_your_gpu"
    archives = ("scenes-srn",)

    @cached_property
    def toy_rates(self) -> tuple[float, float]:
        """Made-up: images a second that one reading process hands over, and images a second that a network could learn from."""
        return 110.0, 700.0

    @cached_property
    def toy_parameters(self) -> int:
        """Made-up: parameters of a network."""
        return 50_000_000

    @cached_property
    def toy_peaks(self) -> dict[int, float]:
        """Made-up: peak memory in GB by batch size."""
        return {2: 3.1, 8: 8.5}

    @cached_property
    def toy_memory(self) -> float:
        """Made-up: memory of a device in GB."""
        return 24.0

    @question
    def q1(self, answer: Any) -> Feedback:
        """What does a training step of the plain network spend most of its time on?"""
        found = speed.studies()
        if not found:
            return Feedback(None, speed.ABSENT)
        truth = speed.largest_part(found[0])
        shares = found[0]["summary"]["plain"]["share_of_step"]
        shown = f"Measured on {found[0]['device']}: {', '.join(f'{part} {100 * shares[part]:.0f} %' for part in speed.PARTS)}."
        return choose(answer, truth, dict.fromkeys(speed.PARTS, shown))

    @question
    def q2(self, answer: Any) -> Feedback:
        """How many reading processes does the made-up network need so that it never waits?"""
        one, network = self.toy_rates
        least = ceil(network / one)
        given = float(answer)
        if given == floor(network / one):
            return wrong(
                f"{floor(network / one)} of them hand over {floor(network / one) * one:g} images a second, and the network takes more."
            )
        if given != least:
            return wrong("Divide what the network takes by what one process hands over; a part of a process is a whole one.")
        return right(f"{least} of them hand over {least * one:g} images a second. More of them would wait for the network.")

    @question
    def q3(self, answer: Any) -> Feedback:
        """Bytes of weights, gradients and AdamW's two averages of the made-up network in float32, in GB."""
        count = self.toy_parameters
        truth = 16 * count / 1e9
        given = float(answer)
        if abs(given - 4 * count / 1e9) < 1e-9:
            return wrong("Those are the weights alone. Each has a gradient, and AdamW keeps two running averages for it.")
        if abs(given - 8 * count / 1e9) < 1e-9:
            return wrong("Weights and gradients. AdamW keeps two running averages for each weight as well.")
        return near(given, truth, 0.01, f"Four numbers of four bytes for each weight: {truth:g} GB before the first image comes in.")

    @question
    def q4(self, answer: Any) -> Feedback:
        """The largest batch whose memory fits, from the line through two peaks."""
        fit = speed.line({str(batch): peak for batch, peak in self.toy_peaks.items()})
        assert fit is not None
        fixed, image = fit
        largest = floor((self.toy_memory - fixed) / image + 1e-9)
        given = float(answer)
        batch, peak = max(self.toy_peaks.items())
        if given == floor(self.toy_memory / (peak / batch)):
            return wrong(
                "That shares the whole peak among the images. A part of it is there without any image: the weights and their company."
            )
        if given > largest:
            return wrong(f"{given:g} images would take {fixed + given * image:.1f} GB, and there are {self.toy_memory:g}.")
        if given != largest:
            return wrong(f"{given:g} images take {fixed + given * image:.1f} GB of {self.toy_memory:g}. There is room for more.")
        return right(f"{fixed:.1f} GB are there before any image, each image takes {image:.1f} GB more.")

    @question
    def q5(self, answer: Any) -> Feedback:
        """Images that one process holds at a time with a batch of 32, two processes and accumulate=4."""
        given = float(answer)
        if given == 8:
            return wrong("That is one half of it: the batch is shared among the processes, and each goes through its share in parts.")
        if given == 16:
            return wrong("That is the share of a process. It goes through it in four parts.")
        if given == 32:
            return wrong("A recipe's batch is that of all processes together.")
        return near(given, 4, 0, "32 images, shared by two processes, in four parts each. The step is still that of 32.")

    @question
    def q6(self, answer: Any) -> Feedback:
        """How many times fewer passes through a frozen backbone the cache makes, for 20 epochs with mirroring."""
        given = float(answer)
        if given == 20:
            return wrong("Nearly. Half of the images are shown mirrored, so the maps of both are kept: two passes for each image.")
        return near(given, 10, 0, "Without the cache each image goes through 20 times; with it twice, as it is and mirrored.")

    @question
    def q7(self, answer: Any) -> Feedback:
        """What a recipe's loss curve does when it runs in four processes in place of one."""
        return choose(
            answer,
            "stays the same",
            {
                "stays the same": "The batch is shared, not multiplied, so the same recipe means the same. Only batch normalisation that "
                "learns its statistics sees a smaller part.",
                "needs a higher rate": "It would if each process took a whole batch of its own, as in many other trainers. "
                "Here a recipe's batch is that of all processes together.",
                "becomes noisier": "Each step still sees the whole batch: the gradients of the parts are averaged, each with the weight of "
                "its images.",
            },
        )
