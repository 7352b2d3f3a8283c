"""Words to make people of: family names, given names by generation, titles. General knowledge, no person's data.

Lists stand in falling order of frequency; `Words` turns the rank into a probability. Real family names have a long
tail of rare ones, which matching lives on, so `FAMILY["de"]` ends in composed names (Steinhofer, Lindenbach ...).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Words:
    """Words with the chance of each; `cumulative` is their running sum, ending in 1."""

    words: pl.Series
    cumulative: Floats

    @classmethod
    def ranked(cls, text: str, *, offset: float = 8.0, power: float = 0.8) -> Words:
        """Words parted by blanks, most frequent first: chance ~ 1 / (rank + offset) ** power (Zipf-Mandelbrot).

        An underscore stands for a blank inside a word.
        """
        words = [word.replace("_", " ") for word in text.split()]
        ranks = np.arange(len(words), dtype=np.float64)
        return cls.weighted(words, 1.0 / (ranks + offset) ** power)

    @classmethod
    def weighted(cls, words: list[str], weights: Floats) -> Words:
        """Words with weights of their own, which need not sum to 1."""
        return cls(pl.Series(words, dtype=pl.String), np.cumsum(weights) / np.sum(weights))

    def indices(self, rng: np.random.Generator, n: int) -> Ints:
        """Positions of `n` words drawn by chance."""
        found = np.searchsorted(self.cumulative, rng.random(n), side="right")
        return np.minimum(found, len(self.words) - 1)

    def draw(self, rng: np.random.Generator, n: int) -> pl.Series:
        """`n` words."""
        return self.words.gather(self.indices(rng, n))


@dataclass(frozen=True, slots=True)
class Pools:
    """Several lists of words behind one search: `draw` takes each word from the list that its row names."""

    words: pl.Series
    cumulative: Floats

    @classmethod
    def of(cls, lists: Sequence[Words]) -> Pools:
        """The lists, numbered in this order; list i owns the chances [i, i + 1)."""
        return cls(
            pl.concat([part.words for part in lists]),
            np.concatenate([i + part.cumulative for i, part in enumerate(lists)]),
        )

    def draw(self, rng: np.random.Generator, which: Ints) -> pl.Series:
        """One word for each number of a list."""
        return self.words.gather(np.searchsorted(self.cumulative, which + rng.random(len(which)), side="right"))


_GERMAN_FAMILY = """
Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein
Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Schmitz Krause
Meier Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz
Möller Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann
Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus Martin Schumacher Krämer Vogt Stein Jäger Otto
Sommer Groß Seidel Heinrich Brandt Haas Schreiber Graf Schulte Dietrich Ziegler Kuhn Kühn Pohl Engel Horn
Busch Bergmann Thomas Voigt Sauer Arnold Wolff Pfeiffer Ernst Lindner Hübner Kramer Franz Beyer Wenzel Haase
Barth Paul Riedel Nagel Peter Seifert Kern Ullrich Kirchner Schilling Reuter Ott Arndt Bachmann Voß Metzger
Brinkmann Rudolph Heinz Hoppe Böttcher Kurz Eckert Bender Rieger Schramm Fink Lutz Kaufmann Kunz Förster
Marx Bock Jansen Wirth Rohde Stahl Hermann Krebs Sander Herzog Wilhelm Urban Seitz Anders Adler Merz Nowak
Geiger Kessler Hartwig Brunner Heller Popp Bayer Wendt Rausch Schiller Hauser Zeller Hein Strauß Löffler
Fiedler Siebert Moser Gebhardt Preuß Heß Born Rothe Stadler Hecht Unger Ebert Eichhorn Baum Decker Neubauer
Frey Wittmann Kolb Krieger Röder Bischoff Dörr Opitz Schütz Burger Vetter Rademacher Noack Esser Reinhardt
"""
_STEMS = """
Stein Berg Linden Eichen Buchen Ober Nieder Hinter Vorder Alten Neuen Hohen Kirch Wiesen Wald Bach Brunn
Eber Rosen Hirsch Fels Schön Reichen Weiden Birken Dorn Ehren Feld Grün Hasel Holz Kalten Kron Lauter Mitter
Moos Ofen Reit Rotten Sand Schwarzen Sieben Tannen Uhl Viel Wacker Weiß Winkel Ziegel Zwick Land Burg Gold
Silber Eisen Kupfer Salz
"""
_ENDINGS = """
mann hofer bauer huber maier müller meister bach berger heim stein feld hauser wald egger rath thal ing brink kamp
"""


def _composed() -> list[str]:
    """Rare but possible family names, without those that repeat their own stem."""
    pairs = product(_STEMS.split(), _ENDINGS.split())
    return [stem + ending for stem, ending in pairs if not stem.lower().startswith(ending[:3])]


def _german_family() -> Words:
    """The frequent names carry 62 % of the people, about 1,100 composed ones the rest."""
    head = Words.ranked(_GERMAN_FAMILY)
    tail = sorted(set(_composed()) - set(head.words))
    weights = np.concatenate([0.62 * np.diff(head.cumulative, prepend=0.0), np.full(len(tail), 0.38 / len(tail))])
    return Words.weighted([*head.words, *tail], weights)


#: Family names by origin. Polish and Russian names stand in their male form.
FAMILY: dict[str, Words] = {
    "de": _german_family(),
    "tr": Words.ranked("""
        Yılmaz Kaya Demir Şahin Çelik Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin
        Kara Koç Kurt Özkan Şimşek Polat Korkmaz Çakır Erdoğan Yavuz Can Acar Aktaş Güneş Bulut Keskin Turan
        Avcı Ünal Işık Taş Güler Karaca Bozkurt Tekin Coşkun Uçar Duman Akın Sarı Ateş Tunç Kaplan Özer
        Yüksel Ceylan Gündoğdu Karataş Aksoy"""),
    "pl": Words.ranked("""
        Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak
        Dąbrowski Kozłowski Jankowski Mazur Wojciechowski Kwiatkowski Krawczyk Kaczmarek Piotrowski
        Grabowski Zając Pawłowski Michalski Król Wieczorek Jabłoński Wróbel Nowakowski Majewski Stępień
        Malinowski Dudek Adamczyk Pawlak Górski Sikora Walczak Rutkowski Michalak Szewczyk Baran Pietrzak
        Marciniak Zalewski Jakubowski Sadowski Bąk Chmielewski Borkowski"""),
    "ru": Words.ranked("""
        Ivanov Schulz Petrov Schmidt Kuznetsov Weber Popov Smirnov Wolf Morozov Volkov Becker Pavlov Kozlov
        Lebedev Keller Novikov Fischer Sokolov Fedorov Mikhailov Hermann Orlov Zaitsev Romanov Braun
        Vasiliev Makarov Nikitin Frolov Bondarenko Shevchenko Kovalenko Tkachenko Kravchenko Melnyk Boyko
        Koval Lysenko Marchenko Savchenko Rudenko"""),
    "ar": Words.ranked("""
        Ahmad Ali Hassan Hussein Mohammad Ibrahim Khalil Al-Hassan Mahmoud Omar Saleh Al-Ahmad Yousef
        Mustafa Hamad Abdullah Al-Ali Haddad Nasser Khalaf El-Sayed Rahman Daoud Jaber Mansour Al-Khatib
        Qasim Saad Najjar Sabbagh Hamdan Aziz Othman Darwish Al-Masri Karim Suleiman Issa Taha Bakri Shahin
        El-Amin Fares Kassem Barakat Ismail Zein"""),
    "su": Words.ranked("""
        Rossi Papadopoulos Jovanović Horvat Popović Russo Ferrari Kovačević Petrović Nikolić Marković
        Esposito Georgiou Babić Marić Novak Knežević Bianchi Romano Ilić Đorđević Pavlović Greco Santos
        Silva García Krasniqi Gashi Berisha Hoxha Ricci Marino Conti Costa Nikolaidis Dimitriou Popescu
        Ionescu Popa Stoica Ivanović Lombardi Fernández"""),
}  # fmt: skip

#: Birth years at which the fashion of German given names turns; the lists below follow in this order.
COHORTS = (1947, 1962, 1977, 1992, 2007)
_GERMAN_GIVEN = {
    "male": (
        """
        Hans Günter Karl Heinz Werner Gerhard Horst Helmut Walter Kurt Herbert Rudolf Heinrich Manfred
        Wolfgang Siegfried Erwin Ernst Georg Otto Wilhelm Josef Alfred Franz Hermann Erich Johann Paul
        Ludwig Fritz""",
        """
        Peter Klaus Hans Wolfgang Jürgen Bernd Dieter Manfred Uwe Rainer Werner Günter Michael Gerhard
        Helmut Reinhard Karl-Heinz Hans-Jürgen Norbert Joachim Franz Wilfried Rolf Harald Ulrich Volker
        Hartmut Josef Herbert Detlef""",
        """Thomas Michael Andreas Stefan Frank Peter Martin Jürgen Klaus Bernd Ralf Matthias Markus Jörg Uwe Christian
        Torsten Holger Dirk Axel Olaf Oliver Karsten Jens Carsten Achim Armin Rüdiger Guido Björn""",
        """Christian Stefan Michael Daniel Andreas Sebastian Alexander Markus Thomas Jan Matthias Tobias Florian Philipp
        Benjamin Patrick Marcel Dennis Sven Marco Jens Martin Tim Simon David Johannes Fabian René Felix Kai""",
        """Lukas Jan Tim Philipp Maximilian Alexander Jonas Felix Niklas Florian Leon Fabian Paul Tobias Julian Moritz
        Nico Kevin Marvin David Jannik Max Simon Lars Robin Yannick Erik Dominik Till Pascal""",
        """Noah Ben Leon Paul Finn Elias Luis Jonas Felix Emil Henry Lukas Anton Theo Jakob Oskar Maximilian Liam Moritz
        Matteo Leo Mats Levi Karl Johann Oscar Samuel Milan Adam Lio""",
    ),
    "female": (
        """
        Ursula Helga Ingeborg Gerda Ilse Erika Hildegard Gisela Elfriede Edith Irmgard Elisabeth Waltraud
        Anneliese Christa Margarete Maria Gertrud Hannelore Marianne Lieselotte Johanna Anna Ruth Inge Else
        Brigitte Käthe Luise""",
        """
        Monika Karin Renate Brigitte Ingrid Ursula Gisela Christa Barbara Angelika Elke Helga Marion Jutta
        Christine Heike Sabine Gabriele Bärbel Rosemarie Hannelore Margit Ilona Sigrid Heidemarie Roswitha
        Doris Ute Edeltraud""",
        """Sabine Susanne Petra Andrea Birgit Claudia Martina Kerstin Gabriele Anja Heike Silke Katrin Stefanie Ute
        Tanja Christine Bettina Simone Ulrike Nicole Sandra Iris Cornelia Manuela Annette Beate Katja Anke Dagmar""",
        """
        Julia Stefanie Nicole Christina Katharina Sandra Anna Melanie Nadine Sarah Katrin Daniela Jessica
        Sabrina Lisa Franziska Anja Jennifer Christine Yvonne Jana Maria Vanessa Kathrin Eva Verena Janina
        Judith Carolin Anne""",
        """Laura Anna Lea Lisa Julia Sarah Lena Johanna Hannah Vanessa Michelle Sophie Marie Franziska Katharina Jana
        Leonie Celina Alina Pia Paula Nele Antonia Luisa Chiara Annika Theresa Carolin Miriam Emily""",
        """Emilia Emma Mia Sophia Hannah Lina Mila Ella Lea Clara Lia Marie Leni Ida Mathilda Frieda Anna Lotta Leonie
        Amelie Luisa Charlotte Nora Maja Greta Johanna Paula Mira Lara Elisa""",
    ),
}  # fmt: skip
_OTHER_GIVEN = {
    ("tr", "male"): """Mehmet Mustafa Ahmet Ali Hüseyin Hasan Murat İbrahim Ömer Yusuf Emre Can Burak Serkan Kemal
        Osman Halil Orhan Cem Volkan Deniz Efe Yiğit Kerem Barış Tolga Selim Ramazan Ismail Süleyman""",
    ("tr", "female"): """Fatma Ayşe Emine Hatice Zeynep Elif Meryem Şerife Sultan Hülya Sevgi Gülay Aylin Derya Ebru
        Özlem Esra Büşra Merve Songül Nur Leyla Melek Dilara Ceren Yasemin Sibel Filiz Defne Hanife""",
    ("pl", "male"): """Piotr Krzysztof Andrzej Tomasz Paweł Jan Michał Marcin Jakub Adam Stanisław Łukasz Marek
        Grzegorz Mateusz Wojciech Mariusz Dariusz Zbigniew Jerzy Maciej Rafał Robert Kamil Dawid""",
    ("pl", "female"): """Anna Maria Katarzyna Małgorzata Agnieszka Barbara Ewa Krystyna Magdalena Elżbieta Joanna
        Aleksandra Zofia Monika Teresa Danuta Natalia Julia Karolina Marta Beata Dorota Iwona Halina Jadwiga""",
    ("ru", "male"): """Alexander Sergej Viktor Andrej Dmitri Wladimir Eugen Nikolai Igor Juri Alexej Waldemar
        Michail Oleg Artur Pavel Anatoli Ivan Roman Maxim Konstantin Eduard Leonid Anton Denis""",
    ("ru", "female"): """Olga Elena Natalia Irina Tatjana Svetlana Ludmila Galina Valentina Anna Maria Lydia Nina
        Oksana Julia Katharina Anastasia Ekaterina Lilia Larissa Ksenia Alina Victoria Daria Nadeschda""",
    ("ar", "male"): """Mohammad Ahmad Ali Mahmoud Omar Khaled Hassan Hussein Ibrahim Mustafa Youssef Abdullah Bilal
        Samir Karim Tarek Rami Anas Hamza Fadi Ziad Nabil Adel Bassam Walid""",
    ("ar", "female"): """Fatima Maryam Aisha Zahra Noor Layla Amina Rania Hanan Huda Samira Yasmin Salma Rana Iman
        Zainab Khadija Sara Lina Nadia Mona Dalia Abeer Ghada Sahar""",
    ("su", "male"): """Marko Giuseppe Antonio Dragan Ivan Giovanni Dimitrios Milan Goran Luca Nikola Georgios Zoran
        Salvatore Marco Ioannis Stefan Besnik Arben José Carlos Andrei Mihai Mario Petar""",
    ("su", "female"): """Maria Ana Ivana Elena Francesca Marija Jelena Giulia Rosa Sofia Katarina Dragana Eleni Vesna
        Mirjana Carmen Lucia Valentina Chiara Ioana Andreea Arta Teuta Snežana Paola""",
}  # fmt: skip

ORIGINS = tuple(FAMILY)
GENDERS = ("male", "female")

#: One list per origin; number = position in ORIGINS.
FAMILY_POOLS = Pools.of([FAMILY[origin] for origin in ORIGINS])


def _given(origin: str, gender: str, cohort: int) -> Words:
    text = _GERMAN_GIVEN[gender][cohort] if origin == "de" else _OTHER_GIVEN[origin, gender]
    return Words.ranked(text, offset=4)


#: One list per origin, gender and cohort; `given_pool` tells its number.
GIVEN_POOLS = Pools.of([_given(o, g, c) for o, g, c in product(ORIGINS, GENDERS, range(len(COHORTS) + 1))])


def given_pool(origin: Ints, female: Flags, birth_year: Ints) -> Ints:
    """The number in GIVEN_POOLS of each person's list: positions in ORIGINS, gender, year of birth."""
    cohort = np.searchsorted(np.array(COHORTS), birth_year, side="right")
    return (origin * len(GENDERS) + female) * (len(COHORTS) + 1) + cohort


TITLES = Words.weighted(
    ["Dr.", "Dr. med.", "Prof. Dr.", "Dipl.-Ing.", "Dr.-Ing.", "Prof. Dr. med."],
    np.array([55.0, 20.0, 6.0, 12.0, 5.0, 2.0]),
)
PARTICLES = Words.weighted(
    ["von", "van der", "von der", "zu", "de", "vom", "van", "Freiherr von", "Gräfin von"],
    np.array([46.0, 10.0, 9.0, 3.0, 11.0, 6.0, 11.0, 2.0, 2.0]),
)
MAIL_DOMAINS = Words.ranked(
    "gmx.de web.de gmail.com t-online.de outlook.de icloud.com freenet.de yahoo.de posteo.de mailbox.org hotmail.com",
    offset=2,
    power=1.0,
)
PHONE_NOTES = Words.ranked("(Büro) Tochter dienstl. AB privat (Sohn) ab_18_Uhr", offset=2)
