"""What is in the demo library: series, chapters, teams and people. The pictures are in `drawing`."""

from typing import NamedTuple

from roliascan.library.shapes import Direction, SeriesType, Status


class Chapter(NamedTuple):
    """`number_milli` is in thousandths; else there is a `label`. The last three are the series' where empty."""

    number_milli: int | None
    title: str
    pages: int
    label: str | None = None
    volume: str = ""
    language: str = ""
    team: str = ""
    lines: tuple[str, ...] = ()


class Series(NamedTuple):
    """`key` names it here; `titles` are (language, title), `lines` what people in it say, one balloon each."""

    key: str
    title: str
    author: str
    description: str
    type: SeriesType
    status: Status
    direction: Direction
    language: str
    team: str
    titles: tuple[tuple[str, str], ...]
    chapters: tuple[Chapter, ...]
    lines: tuple[str, ...]


class Team(NamedTuple):
    name: str
    description: str
    leader: str
    members: tuple[str, ...] = ()


class Someone(NamedTuple):
    """An account: its name, its address (RFC 2606, so that no mail goes anywhere), its role."""

    username: str
    email: str
    role: str


def _said(lines: str) -> tuple[str, ...]:
    return tuple(lines.split(" / "))


PEOPLE = (
    Someone("amina", "amina@example.com", "admin"),
    Someone("marek", "marek@example.com", "moderator"),
    Someone("yuki", "yuki@example.com", "uploader"),
    Someone("eloise", "eloise@example.com", "uploader"),
    Someone("noor", "noor@example.com", "uploader"),
    Someone("sam", "sam@example.com", "user"),
)

TEAMS = (
    Team("Paper Lantern", "We letter at night and release on Fridays.", "yuki", ("noor",)),
    Team("Marée Basse", "Bandes dessinées du bord de mer, en français et en anglais.", "eloise", ("noor",)),
)


_LANTERNS_IN_FRENCH = _said(
    "Tu es en retard. / Le vent a pris ma carte. / Et ta lampe ? / Je comptais sur la lune. / Elle ne vient jamais. / "
    "Compte avec moi. / ... quatre cents ! / Quatre cent une. / Qui l'a allumée ? / Personne n'habite là. / "
    "Plus personne. / Tu as entendu ? / Reste derrière moi. / Ce n'est que le bac. / À cette heure ? / "
    "Regarde ! Là-bas ! / Je n'ai pas peur. / Tu tiens ma manche. / Juste un peu, alors. / Bien. Moi aussi."
)


def _numbered(*titles: str, pages: int = 4, first: int = 1, volume: str = "") -> tuple[Chapter, ...]:
    return tuple(Chapter(number * 1000, title, pages, volume=volume) for number, title in enumerate(titles, first))


SERIES = (
    Series(
        key="lanterns",
        title="The Lantern Keepers",
        author="Mira Holt",
        description=(
            "Every evening somebody has to light the four hundred lamps of Saltmouth, or the sea forgets where "
            "the land begins. Ives has done it alone for years; then an apprentice arrives who is afraid of "
            "the dark."
        ),
        type="manga",
        status="ongoing",
        direction="rtl",
        language="en",
        team="Paper Lantern",
        titles=(("fr", "Les Gardiens des lanternes"), ("ja", "ランタンの守り人"), ("es", "Los faroleros")),
        chapters=(
            *_numbered("Low Water", "A Lamp Is Missing", "Four Hundred and One", first=8, pages=5, volume="2"),
            Chapter(10500, "The Night Ferry", 4, volume="2"),
            *_numbered("What the Tide Took", "Ives Tells the Truth", first=11, pages=5, volume="3"),
            Chapter(None, "Tea With the Harbour Cat", 4, label="Extra"),
            Chapter(8000, "Marée basse", 5, None, "2", "fr", "Marée Basse", _LANTERNS_IN_FRENCH),
        ),
        lines=_said(
            "You are late. / The wind took my map. / And your lamp? / I thought the moon would do. / "
            "It never does. / Count them with me. / ... four hundred! / Four hundred and one. / "
            "Then who lit that one? / Nobody lives there. / Not any more. / Did you hear that? / "
            "Stay behind me. / It is only the ferry. / At this hour? / Look! A light! / I am not afraid. / "
            "You are holding my sleeve. / Only a little, then. / Good. So am I."
        ),
    ),
    Series(
        key="sky",
        title="ソラノカナタ",
        author="天野ユキ",
        description=(
            "空の向こうから届いた一通の手紙。差出人は、まだ生まれていない妹だった。 A letter from beyond the "
            "sky, signed by a sister who has not been born yet."
        ),
        type="manga",
        status="ongoing",
        direction="rtl",
        language="ja",
        team="Paper Lantern",
        titles=(("en", "Beyond the Sky"), ("ko", "하늘 저편")),
        chapters=_numbered("テガミ", "カナタノコエ", "ソラノミチ", "アサノイロ", pages=4, volume="1"),
        lines=_said(
            "カナタ! / ソラ? / ナニ!? / ドコ? / コレハ... / テガミ? / イイエ / マタアシタ / ココニイル / "
            "キコエル? / ハイ / アノコエ / イマイク! / マッテ! / キレイ... / アリガトー"
        ),
    ),
    Series(
        key="tides",
        title="L'Été des marées",
        author="Éloïse Garnier",
        description=(
            "Sur une île où l'on n'accède qu'à marée basse, trois amis passent leur dernier été avant le lycée "
            "à chercher le clocher que la mer a pris à leurs grands-parents."
        ),
        type="comic",
        status="completed",
        direction="ltr",
        language="fr",
        team="Marée Basse",
        titles=(("en", "The Summer of Tides"), ("de", "Der Sommer der Gezeiten")),
        chapters=(
            Chapter(None, "La Jetée", 4, label="Prologue"),
            *_numbered("À marée haute", "La Cloche", "Où va l'été", pages=4),
        ),
        lines=_said(
            "Tu viens ? / L'eau est glacée ! / Écoute... / C'est la cloche. / Sous la mer ? / "
            "Ma grand-mère l'a vue. / Il est tard déjà. / La marée monte ! / Cours ! / On reviendra demain. / "
            "Promis ? / Promis. / L'été est court. / Alors dépêchons-nous."
        ),
    ),
    Series(
        key="umbrella",
        title="별빛 우산",
        author="한서윤",
        description=(
            "비가 오는 날에만 문을 여는 우산 가게. 그 우산을 쓰면 잊어버린 하루를 다시 걸을 수 있다. A shop "
            "that opens only when it rains lends umbrellas under which one walks through a forgotten day again."
        ),
        type="webtoon",
        status="ongoing",
        direction="ttb",
        language="ko",
        team="Paper Lantern",
        titles=(("en", "Starlight Umbrella"), ("ja", "ホシノカサ")),
        chapters=_numbered("비 오는 가게", "첫 번째 우산", "노란 하루", "비가 그치면", pages=6),
        lines=_said(
            "비가 오네 / 어서 오세요 / 우산 있어요? / 하나 남았어요 / 이 우산은... / 별이 보여! / 기억나요? / "
            "그날이야 / 가지 마 / 괜찮아 / 다시 만나요 / 고마워요 / 내일도 비가 올까? / 그럼요"
        ),
    ),
    Series(
        key="clockwork",
        title="Clockwork Garden",
        author="Jonah Reyes",
        description=(
            "A gardener who repairs mechanical flowers finds one that grows. The city's engineers would like "
            "to know why; the flower would rather not say."
        ),
        type="comic",
        status="hiatus",
        direction="ltr",
        language="en",
        team="Marée Basse",
        titles=(("es", "Jardín de relojería"), ("pt-BR", "Jardim de engrenagens")),
        chapters=(
            *_numbered("Winding", "Rust", pages=4),
            Chapter(2500, "Interval", 4),
            *_numbered("Springs", first=3, pages=4),
        ),
        lines=_said(
            "It has a pulse. / Flowers tick. They do not beat. / Listen. / ... oh. / Who else knows? / "
            "Just the cat. / Lock the door. / They are here already. / Open up! / Take the key and run! / "
            "What about you? / I have a garden to mind."
        ),
    ),
    Series(
        key="foxes",
        title="Paper Foxes",
        author="Noor Haddad",
        description=(
            "On the last night of the fair, a girl folds a fox for everyone who was kind to her. There is one "
            "sheet left."
        ),
        type="oneshot",
        status="completed",
        direction="rtl",
        language="en",
        team="Paper Lantern",
        titles=(("ar", "ثعالب من ورق"),),
        chapters=(Chapter(None, "Paper Foxes", 8, label="Oneshot"),),
        lines=_said(
            "Is that for me? / You held the umbrella. / When? / In the spring. / I had forgotten. / "
            "I had not. / One sheet left. / Who is it for? / The one who stayed. / But everyone left. / "
            "You are still here. / ... so I am. / Fold it with me? / Always."
        ),
    ),
)
