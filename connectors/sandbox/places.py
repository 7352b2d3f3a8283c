"""Towns with postcodes and dialling codes, and street names: where made-up people live. General knowledge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors.sandbox.names import Words


@dataclass(frozen=True, slots=True)
class Towns:
    """Postcode districts with the chance of each; `Words` holds the postcode, the others run beside it."""

    postal_codes: Words
    cities: pl.Series
    dialling: pl.Series

    @classmethod
    def parse(cls, text: str) -> Towns:
        """Lines `postcode|city|dialling code without 0|weight`."""
        rows = [line.strip().split("|") for line in text.strip().splitlines()]
        codes, cities, dialling, weights = zip(*rows, strict=True)
        return cls(
            Words.weighted(list(codes), np.array(weights, dtype=np.float64)),
            pl.Series(cities),
            pl.Series(dialling),
        )


#: Both banks of a border between two Länder: Bavaria (Aschaffenburg) and Hesse (Hanau).
REGION = Towns.parse("""
63739|Aschaffenburg|6021|14
63741|Aschaffenburg|6021|13
63743|Aschaffenburg|6021|12
63450|Hanau|6181|12
63452|Hanau|6181|10
63454|Hanau|6181|10
63456|Hanau|6181|9
63457|Hanau|6181|9
63755|Alzenau|6023|7
63768|Hösbach|6021|5
63773|Goldbach|6021|4
63796|Kahl am Main|6188|3
63791|Karlstein am Main|6188|3
63762|Großostheim|6026|6
63801|Kleinostheim|6027|3
63811|Stockstadt am Main|6027|3
63814|Mainaschaff|6021|3
63808|Haibach|6021|3
63500|Seligenstadt|6182|8
63512|Hainburg|6182|5
63533|Mainhausen|6182|3
63538|Großkrotzenburg|6186|3
63517|Rodenbach|6184|4
63505|Langenselbold|6184|5
63571|Gelnhausen|6051|4
63785|Obernburg am Main|6022|3
64832|Babenhausen|6073|5
63110|Rodgau|6106|5
60311|Frankfurt am Main|69|3
97070|Würzburg|931|1
""")

#: All of the country: large cities by several districts, some towns and villages.
GERMANY = Towns.parse("""
10115|Berlin|30|30
10439|Berlin|30|34
12043|Berlin|30|34
13353|Berlin|30|34
14059|Berlin|30|30
20095|Hamburg|40|22
22303|Hamburg|40|26
21073|Hamburg|40|20
22765|Hamburg|40|20
80331|München|89|18
80797|München|89|24
81539|München|89|22
81241|München|89|20
50667|Köln|221|18
50823|Köln|221|20
51065|Köln|221|18
60311|Frankfurt am Main|69|16
60487|Frankfurt am Main|69|18
65929|Frankfurt am Main|69|14
70173|Stuttgart|711|16
70372|Stuttgart|711|20
40210|Düsseldorf|211|18
40589|Düsseldorf|211|18
04103|Leipzig|341|20
04229|Leipzig|341|18
44135|Dortmund|231|18
44263|Dortmund|231|18
45127|Essen|201|18
45355|Essen|201|18
28195|Bremen|421|16
28757|Bremen|421|14
01067|Dresden|351|16
01307|Dresden|351|18
30159|Hannover|511|16
30449|Hannover|511|16
90402|Nürnberg|911|15
90461|Nürnberg|911|15
47051|Duisburg|203|20
44787|Bochum|234|16
42103|Wuppertal|202|16
33602|Bielefeld|521|15
53111|Bonn|228|15
48143|Münster|251|14
68159|Mannheim|621|14
76133|Karlsruhe|721|14
86150|Augsburg|821|14
65183|Wiesbaden|611|13
41061|Mönchengladbach|2161|12
45879|Gelsenkirchen|209|12
52062|Aachen|241|12
38100|Braunschweig|531|12
09111|Chemnitz|371|12
24103|Kiel|431|12
06108|Halle (Saale)|345|12
39104|Magdeburg|391|12
79098|Freiburg im Breisgau|761|12
55116|Mainz|6131|11
23552|Lübeck|451|11
99084|Erfurt|361|11
18055|Rostock|381|10
34117|Kassel|561|10
66111|Saarbrücken|681|9
14467|Potsdam|331|9
26122|Oldenburg|441|9
49074|Osnabrück|541|8
69115|Heidelberg|6221|8
64283|Darmstadt|6151|8
93047|Regensburg|941|8
97070|Würzburg|931|7
85049|Ingolstadt|841|7
89073|Ulm|731|7
74072|Heilbronn|7131|7
35037|Marburg|6421|5
36037|Fulda|661|5
54290|Trier|651|6
56068|Koblenz|261|6
07743|Jena|3641|6
19053|Schwerin|385|5
03046|Cottbus|355|5
17489|Greifswald|3834|4
02826|Görlitz|3581|4
94032|Passau|851|4
87435|Kempten (Allgäu)|831|4
88212|Ravensburg|751|4
63739|Aschaffenburg|6021|4
37073|Göttingen|551|6
31134|Hildesheim|5121|5
29221|Celle|5141|4
25524|Itzehoe|4821|3
27472|Cuxhaven|4721|3
59065|Hamm|2381|7
57072|Siegen|271|5
32423|Minden|571|4
46395|Bocholt|2871|4
83022|Rosenheim|8031|4
91522|Ansbach|981|3
95028|Hof|9281|3
72764|Reutlingen|7121|5
78462|Konstanz|7531|4
15230|Frankfurt (Oder)|335|3
16816|Neuruppin|3391|3
06844|Dessau-Roßlau|340|4
08056|Zwickau|375|4
98527|Suhl|3681|3
67655|Kaiserslautern|631|5
76829|Landau in der Pfalz|6341|3
66386|St. Ingbert|6894|3
""")

STREETS = Words.ranked("""
Hauptstraße Schulstraße Bahnhofstraße Gartenstraße Dorfstraße Bergstraße Birkenweg Lindenstraße Kirchstraße
Waldstraße Ringstraße Schillerstraße Amselweg Goethestraße Jahnstraße Wiesenweg Buchenweg Mühlenweg
Feldstraße Friedhofstraße Am_Sportplatz Rosenstraße Blumenstraße Mozartstraße Finkenweg Industriestraße
Ahornweg Friedrichstraße Mühlstraße Eichenweg Tannenweg Beethovenstraße Poststraße Kiefernweg Parkstraße
Mittelstraße Erlenweg Lerchenweg Meisenweg Im_Winkel Drosselweg Marktplatz Brunnenstraße Talstraße
Sonnenstraße Siedlerweg Fliederweg Burgstraße Uhlandstraße Lessingstraße Bismarckstraße Am_Bahnhof
Neue_Straße Ulmenweg Schloßstraße Kastanienallee Wilhelmstraße Grüner_Weg Lindenweg Nelkenweg Tulpenweg
Veilchenweg Steinstraße Sandweg Hochstraße Am_Mühlbach Karlstraße Ludwigstraße Rathausplatz Kapellenweg
Königsberger_Straße Breslauer_Straße Frankfurter_Straße Berliner_Straße Hanauer_Landstraße Würzburger_Straße
Johann-Sebastian-Bach-Straße Geschwister-Scholl-Straße Kantstraße Haydnstraße Richard-Wagner-Straße
Dürerstraße Adalbert-Stifter-Weg Alte_Gasse Am_Hang Auf_der_Höhe Beim_Kreuz Hinterm_Dorf Kurze_Straße
Lange_Straße Obere_Gasse Schäfergasse Untere_Gasse Weingartenstraße Zum_Kalkofen Zur_Linde Mainstraße
Uferweg Fasanerieweg Spessartstraße
""", offset=3, power=0.7)  # fmt: skip
