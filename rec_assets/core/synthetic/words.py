"""What names are made of: words and forms, all invented."""


def _words(text: str) -> list[str]:
    return text.replace("\n", " ").split(" ")


def _forms(text: str) -> list[str]:
    return text.replace("\n", "|").split("|")


# {} is filled with words: "The {}s" with "Paper Sparrow", "Under the {} {}" with two.
GENRES = {
    "Folk": "Sparrow Lantern Thistle Miller Hedgerow Fiddle Orchard Badger Meadow Weaver",
    "Synthpop": "Satellite Neon Arcade Circuit Mirror Android Prism Signal Laser Modem",
    "Shoegaze": "Halo Drizzle Blur Petal Chandelier Swoon Vapour Ripple Curtain Daze",
    "Jazz": "Saxton Marlowe Pennywell Duvall Crabtree Lomax Thornby Quill Bassett Vandermeer",
    "Soul": "Velour Honeydew Marigold Tremaine Bonbon Sugarman Goodlove Easterly Brightman Cadillo",
    "Ambient": "Glacier Estuary Tundra Aurora Lagoon Isobar Meridian Horizon Fjord Monolith",
    "Punk": "Dustbin Spanner Riot Turnstile Cockroach Gasket Hooligan Toaster Safety-Pin Scab",
    "Surf": "Pelican Mermaid Breaker Flipper Tiki Hang-Ten Sandpiper Reef Driftwood Coconut",
    "Dub": "Echo Lion Steppa Bassline Rudie Kingfisher Skylark Rootsman Chamberlain Subwoofer",
    "Country": "Rambler Coyote Wagon Saddle Prairie Buckaroo Tumbleweed Mustang Homestead Fencepost",
    "House": "Groove Strobe Mixtape Loft Disko Piano Warehouse Turntable Hi-Hat Balcony",
    "Chamber": "Nocturne Cellist Sonata Minuet Vögelin Étude Spinet Harpist Rondeau Larkspur",
}
MOODS = {
    "quiet": "Snowfall Letter Harbour Candle Garden Window Lullaby River Feather Orchard Attic Willow",
    "sunny": "Bicycle Lemonade Holiday Balloon Kite Parade Picnic Saturday Café Meadow Seagull Piñata",
    "night": "Taxi Streetlight Motel Moon Staircase Telephone Mascara Alibi Ghost Boulevard Skyline Key",
    "restless": "Engine Thunder Suitcase Wildfire Horizon Fever Highway Avalanche Rumour Compass Storm Map",
}
GENRE_NOUNS = _words(" ".join(GENRES.values()))
MOOD_NOUNS = _words(" ".join(MOODS.values()))
ARTIST_WORDS = _words("""Marmalade Crooked Paper Velvet Copper Sleepy Electric Hidden Lonesome Northern
Tangerine Gentle Clockwork Rusty Crystal Wandering Double Emerald Foggy Golden Hollow Indigo Jolly Kindly
Lucky Mossy Nimble Ochre Painted Quiet Royal Scarlet Timid Upper Violet Whistling Yonder Zigzag Älva Señor""")
ARTIST_FORMS = _forms("""{}|The {}s|{} Club|{} Trio|{} Parade|{} Society|Little {}|{} & Sons|{} Ensemble|DJ {}
{} Brothers|{} Radio|{} Machine|{} Choir|{} "La Luna"|{} of Överby|{}, Jr.|Los {}s|{} Express|{} Collective
Old {}|{} Sisters|{} Orchestra|Doctor {}""")
TITLE_WORDS = _words("""Silver Borrowed Broken Slow Yellow Distant Secret Second-Hand Winter Hopeless Tender
Wooden Careless Electric Forgotten Hungry Invisible Lazy Midnight Neon Paper Quiet Runaway Salty Tangled
Unlikely Wandering Empty Blue Crimson Dusty Early Faded Giant Honest Icy Last Missing Perfect Restless""")
TITLE_FORMS = _forms("""{} {}|The {} {}|My {} {}|No More {} {}|Waiting for the {} {}|{} {} (Live)
{} {} - Remastered|{} {}, Pt. 2|{} {} Blues|Hello, {} {}|One {} {}|Goodbye, {} {}|{} {} Tonight
Under the {} {}|{} {} (Demo)|Dance of the {} {}|Ballad of the {} {}|Over the {} {}|A Little More {} "{}"
{} {} (Reprise)|Så långt, {} {}|Once More, {} {}|{} {} (夜の港)|Song for the {} {}""")
PLAYLIST_WORDS = _words("""Evening Morning Road Kitchen Running Study Summer Rainy Office Weekend Late Garage
Sunday Train Dinner Autumn Focus Party Coffee Gym Holiday Campfire Birthday Sleep Wedding Garden Commute
Spring Best New Old Más Första Shared My More Slow Loud Deep Secret Tiny""")
NAMESAKES = ["", *(f" {number}" for number in ("II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"))]
