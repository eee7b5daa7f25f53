"""What the pocket world's labels are called in other languages."""

from __future__ import annotations

from collections.abc import Sequence

LANGUAGES = ("German", "French", "Spanish")

# English: German, French, Spanish; nouns without article, colours in their masculine form.
# fmt: off
KINDS: dict[str, tuple[str, str, str]] = {
    "cat": ("Katze", "chat", "gato"), "dog": ("Hund", "chien", "perro"), "fish": ("Fisch", "poisson", "pez"),
    "bird": ("Vogel", "oiseau", "pájaro"), "rabbit": ("Kaninchen", "lapin", "conejo"),
    "snake": ("Schlange", "serpent", "serpiente"), "butterfly": ("Schmetterling", "papillon", "mariposa"),
    "turtle": ("Schildkröte", "tortue", "tortuga"), "snail": ("Schnecke", "escargot", "caracol"),
    "elephant": ("Elefant", "éléphant", "elefante"), "giraffe": ("Giraffe", "girafe", "jirafa"),
    "tree": ("Baum", "arbre", "árbol"), "flower": ("Blume", "fleur", "flor"),
    "mushroom": ("Pilz", "champignon", "seta"), "cactus": ("Kaktus", "cactus", "cactus"),
    "apple": ("Apfel", "pomme", "manzana"), "banana": ("Banane", "banane", "plátano"),
    "carrot": ("Karotte", "carotte", "zanahoria"), "cherry": ("Kirsche", "cerise", "cereza"),
    "cake": ("Kuchen", "gâteau", "pastel"), "car": ("Auto", "voiture", "coche"), "bus": ("Bus", "bus", "autobús"),
    "bicycle": ("Fahrrad", "vélo", "bicicleta"), "boat": ("Boot", "bateau", "barco"),
    "plane": ("Flugzeug", "avion", "avión"), "train": ("Zug", "train", "tren"),
    "rocket": ("Rakete", "fusée", "cohete"), "balloon": ("Heißluftballon", "montgolfière", "globo"),
    "house": ("Haus", "maison", "casa"), "castle": ("Burg", "château", "castillo"), "tent": ("Zelt", "tente", "tienda"),
    "windmill": ("Windmühle", "moulin", "molino"), "chair": ("Stuhl", "chaise", "silla"),
    "lamp": ("Lampe", "lampe", "lámpara"), "cup": ("Tasse", "tasse", "taza"), "clock": ("Uhr", "horloge", "reloj"),
    "key": ("Schlüssel", "clé", "llave"), "umbrella": ("Regenschirm", "parapluie", "paraguas"),
    "guitar": ("Gitarre", "guitare", "guitarra"), "hat": ("Hut", "chapeau", "sombrero"),
}
COLOURS: dict[str, tuple[str, str, str]] = {
    "red": ("rot", "rouge", "rojo"), "orange": ("orange", "orange", "naranja"),
    "yellow": ("gelb", "jaune", "amarillo"), "green": ("grün", "vert", "verde"), "blue": ("blau", "bleu", "azul"),
    "purple": ("lila", "violet", "morado"), "pink": ("rosa", "rose", "rosado"), "brown": ("braun", "marron", "marrón"),
    "black": ("schwarz", "noir", "negro"), "white": ("weiß", "blanc", "blanco"),
}
SETTINGS: dict[str, tuple[str, str, str]] = {
    "day": ("Tag", "jour", "día"), "night": ("Nacht", "nuit", "noche"),
    "sunset": ("Sonnenuntergang", "coucher de soleil", "puesta de sol"), "snow": ("Schnee", "neige", "nieve"),
    "sea": ("Meer", "mer", "mar"), "forest": ("Wald", "forêt", "bosque"), "desert": ("Wüste", "désert", "desierto"),
    "plain": ("einfarbiger Hintergrund", "fond uni", "fondo liso"),
}
# fmt: on
WORDS = KINDS | COLOURS | SETTINGS


def translated(labels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The labels that the table knows, in English and in each of LANGUAGES, in one order; empty where it knows none."""
    known = [label for label in labels if label.strip().casefold() in WORDS]
    rows = [WORDS[label.strip().casefold()] for label in known]
    if not known:
        return {}
    return {"English": tuple(known)} | {name: tuple(row[at] for row in rows) for at, name in enumerate(LANGUAGES)}


def typed(text: str) -> dict[str, str]:
    """Pairs from lines such as "dog = Hund": the word by the label; lines without both sides are left out."""
    pairs = (line.partition("=") for line in text.splitlines())
    found = {" ".join(label.split()): " ".join(word.split()) for label, sign, word in pairs if sign}
    return {label: word for label, word in found.items() if label and word}
