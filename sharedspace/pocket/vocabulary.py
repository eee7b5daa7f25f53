"""The words of the pocket world: kinds, colours, settings, and the ways of saying them."""

# fmt: off
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 38, 40), "orange": (250, 136, 20), "yellow": (250, 220, 40), "green": (44, 160, 60),
    "blue": (36, 84, 214), "purple": (134, 52, 176), "pink": (248, 130, 184), "brown": (126, 76, 36),
    "black": (26, 26, 30), "white": (246, 246, 244),
}
SETTINGS: tuple[str, ...] = ("day", "night", "sunset", "snow", "sea", "forest", "desert", "plain")
SIZES: tuple[str, ...] = ("small", "medium", "big")
PATTERNS: tuple[str, ...] = ("plain", "striped", "dotted")
RELATIONS: tuple[str, ...] = ("left", "right", "above", "below")
NUMBERS: tuple[str, ...] = ("one", "two", "three", "four", "five")

# kind: (plural, synonyms)
NAMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "cat": ("cats", ("kitten", "kitty")), "dog": ("dogs", ("puppy", "hound")), "fish": ("fishes", ("goldfish",)),
    "bird": ("birds", ("birdie", "sparrow")), "rabbit": ("rabbits", ("bunny", "hare")),
    "snake": ("snakes", ("serpent", "viper")), "butterfly": ("butterflies", ("moth",)),
    "turtle": ("turtles", ("tortoise",)), "snail": ("snails", ("slug",)), "elephant": ("elephants", ("mammoth",)),
    "giraffe": ("giraffes", ()), "tree": ("trees", ("oak",)), "flower": ("flowers", ("blossom", "daisy")),
    "mushroom": ("mushrooms", ("toadstool", "fungus")), "cactus": ("cacti", ("succulent",)), "apple": ("apples", ()),
    "banana": ("bananas", ()), "carrot": ("carrots", ()), "cherry": ("cherries", ()),
    "cake": ("cakes", ("gateau", "pie")), "car": ("cars", ("automobile", "auto")), "bus": ("buses", ("coach",)),
    "bicycle": ("bicycles", ("bike", "cycle")), "boat": ("boats", ("ship", "sailboat")),
    "plane": ("planes", ("airplane", "aircraft", "jet")), "train": ("trains", ("locomotive",)),
    "rocket": ("rockets", ("spaceship",)), "balloon": ("balloons", ("airship",)),
    "house": ("houses", ("home", "cottage")),
    "castle": ("castles", ("fortress",)), "tent": ("tents", ("teepee",)), "windmill": ("windmills", ("mill",)),
    "chair": ("chairs", ("seat",)), "lamp": ("lamps", ("lantern",)), "cup": ("cups", ("mug",)),
    "clock": ("clocks", ("alarm",)), "key": ("keys", ()), "umbrella": ("umbrellas", ("parasol", "brolly")),
    "guitar": ("guitars", ("ukulele",)), "hat": ("hats", ("cap", "fedora")),
}

# word: (plural, kinds)
HYPERNYMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "animal": ("animals", ("cat", "dog", "fish", "bird", "rabbit", "snake", "butterfly", "turtle", "snail", "elephant",
                           "giraffe")),
    "pet": ("pets", ("cat", "dog", "rabbit")),
    "plant": ("plants", ("tree", "flower", "mushroom", "cactus")),
    "fruit": ("fruits", ("apple", "banana", "cherry")),
    "food": ("foods", ("apple", "banana", "cherry", "carrot", "cake")),
    "vehicle": ("vehicles", ("car", "bus", "bicycle", "boat", "plane", "train", "rocket", "balloon")),
    "building": ("buildings", ("house", "castle", "tent", "windmill")),
    "furniture": ("furniture", ("chair", "lamp")),
}

COLOUR_SYNONYMS: dict[str, tuple[str, ...]] = {
    "red": ("scarlet", "crimson"), "orange": (), "yellow": ("golden",), "green": ("emerald",), "blue": ("navy",),
    "purple": ("violet",), "pink": ("rosy",), "brown": ("chestnut",), "black": ("ebony",), "white": ("ivory",),
}

# setting: (bare words, phrases after a noun, sentences that stand alone)
PLACES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "day": (("day", "daytime", "daylight", "sunny"),
            ("by day", "in daylight", "on a sunny day", "in the sunshine", "on a meadow"),
            ("a sunny day", "a bright day", "a meadow under the sun")),
    "night": (("night", "nighttime", "moonlight"), ("at night", "by night", "in the moonlight", "under the stars"),
              ("a night scene", "a starry night", "the night")),
    "sunset": (("sunset", "dusk", "evening"), ("at sunset", "at dusk", "in the evening"),
               ("a sunset", "an evening scene", "the sunset")),
    "snow": (("snow", "winter", "snowy"), ("in the snow", "in winter", "on a snowy day"),
             ("a snowy scene", "a winter day", "the snow")),
    "sea": (("sea", "ocean", "water"), ("at sea", "in the sea", "on the water", "on the ocean"),
            ("the sea", "the open ocean", "waves on the water")),
    "forest": (("forest", "woods", "jungle"), ("in the forest", "in the woods", "in a forest"),
               ("a forest", "the woods", "a forest scene")),
    "desert": (("desert", "sand", "dunes"), ("in the desert", "on the sand", "among dunes"),
               ("a desert", "a desert scene", "dunes of sand")),
    "plain": (("plain", "studio", "blank"), ("on a plain background", "in a studio", "on an empty background"),
              ("a plain background", "an empty background", "a studio picture")),
}
PATTERN_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "striped": (("striped",), ("with stripes",)), "dotted": (("dotted", "spotted"), ("with dots", "with spots")),
}
SIZE_WORDS: dict[str, tuple[str, ...]] = {"small": ("small", "little", "tiny"), "big": ("big", "large", "huge")}
RELATION_WORDS: dict[str, tuple[str, ...]] = {
    "left": ("left of", "to the left of"), "right": ("right of", "to the right of"),
    "above": ("above", "over"), "below": ("below", "under"),
}

# The first four are frequent; the rest are CLIP's ensemble prompts, taught as saying nothing about the scene.
PHOTO_TEMPLATES: tuple[str, ...] = (
    "a photo of a {}", "a picture of a {}", "a photo of {}", "an image of a {}", "a picture of {}", "a drawing of a {}",
    "this is a {}", "there is a {}", "the {}", "here is a {}", "a scene with a {}", "look , a {}",
)
PROMPT_TEMPLATES: tuple[str, ...] = (
    "itap of a {}.", "a bad photo of the {}.", "a origami {}.", "a {} in a video game.", "art of the {}.",
    "a sculpture of a {}.", "a photo of the hard to see {}.", "a low resolution photo of the {}.",
    "a rendering of a {}.", "graffiti of a {}.", "a bad photo of a {}.", "a cropped photo of the {}.",
    "a tattoo of a {}.", "the embroidered {}.", "a photo of a hard to see {}.", "a bright photo of a {}.",
    "a photo of a clean {}.", "a photo of a dirty {}.", "a dark photo of the {}.", "a drawing of a {}.",
    "a photo of my {}.", "the plastic {}.", "a photo of the cool {}.", "a close-up photo of a {}.",
    "a black and white photo of the {}.", "a painting of the {}.", "a painting of a {}.",
    "a pixelated photo of the {}.",
    "a sculpture of the {}.", "a bright photo of the {}.", "a cropped photo of a {}.", "a plastic {}.",
    "a photo of the dirty {}.", "a jpeg corrupted photo of a {}.", "a blurry photo of the {}.", "a photo of the {}.",
    "a good photo of the {}.", "a rendering of the {}.", "a photo of one {}.", "a doodle of a {}.",
    "a close-up photo of the {}.", "the origami {}.", "the {} in a video game.", "a sketch of a {}.",
    "a doodle of the {}.", "a low resolution photo of a {}.", "the toy {}.", "a rendition of the {}.",
    "a photo of the clean {}.", "a rendition of a {}.", "a photo of a nice {}.", "a photo of a weird {}.",
    "a blurry photo of a {}.", "a cartoon {}.", "art of a {}.", "a sketch of the {}.", "a embroidered {}.",
    "a pixelated photo of a {}.", "itap of the {}.", "a jpeg corrupted photo of the {}.", "a good photo of a {}.",
    "a plushie {}.", "a photo of the nice {}.", "a photo of the weird {}.", "the cartoon {}.", "a drawing of the {}.",
    "the plushie {}.", "a dark photo of a {}.", "graffiti of the {}.", "a toy {}.", "itap of my {}.",
    "a photo of a cool {}.", "a tattoo of the {}.", "an oil painting of a {}.", "a black and white photo of a {}.",
)
# fmt: on
