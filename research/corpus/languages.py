# SPDX-License-Identifier: GPL-3.0-or-later
"""Ordinary sentences in many languages, written for this project; rich in lip closures, rounded and open vowels.

They are read by espeak-ng to train the speech encoder and to score lip sync. The last three sentences of each
language are for scoring only.
"""

from __future__ import annotations

from dataclasses import dataclass

HELDOUT_SENTENCES = 3


@dataclass(frozen=True, slots=True)
class Language:
    """name: for tables; voice: espeak-ng's; sentences: to train on; heldout: never trained on."""

    name: str
    voice: str
    sentences: tuple[str, ...]
    heldout: tuple[str, ...]


def languages() -> tuple[Language, ...]:
    """All of them, English first."""
    return tuple(_language(heading, text) for heading, text in _SENTENCES.items())


def _language(heading: str, text: str) -> Language:
    name, voice = heading.split("/")
    lines = tuple(text.strip().splitlines())
    return Language(name, voice, lines[:-HELDOUT_SENTENCES], lines[-HELDOUT_SENTENCES:])


# "name/voice of espeak-ng": one sentence a line
_SENTENCES = {
    "English/en-us": """
My brother bought a big brown boat before the summer began.
People often move to a bigger apartment when the baby comes.
Would you pour me a bowl of warm soup, please?
The shop opens at nine, but the market never closes.
We saw a wolf moving slowly through the woods at noon.
Pick up the box and put it back upon the table.
Few of us knew how blue the water was that afternoon.
Maybe the problem is simple and nobody looked at the map.
Thirty thin brothers breathed the thick north wind together.
She chose a rather fresh peach and a jar of orange jam.
Voices from the valley vanish above the frozen river.
The old farmer hopes for rain, for the garden is dry.
Could you help us carry the piano up to the top room?
A yellow bird was singing while the children were playing.
He thought about the film for hours and laughed out loud.
Open the window, the air in here is much too warm.
Mum baked apple pies and put them by the open window.
Both of them hoped to become famous pop musicians.
Why would you go home so soon, it is only half past four.
""",
    "German/de": """
Meine Mutter backt am Abend ein Blech Apfelkuchen für alle.
Der Bäcker am Markt verkauft heute besonders schöne Brötchen.
Über der Brücke flogen fünf müde Vögel nach Süden.
Papa kaufte im Baumarkt eine Pumpe und ein Paket Schrauben.
Können wir morgen früh zusammen in die Berge fahren?
Das Pferd hüpft vergnügt über den Pfad und frisst Äpfel.
Ich möchte bitte noch ein Stück Kuchen mit Sahne haben.
Im Sommer schwimmen wir oft im tiefen, kühlen See.
Die Kinder lachen laut, weil der Affe eine Banane klaut.
Am Bahnhof warteten viele Menschen auf den späten Zug.
Bei Regen bleiben wir lieber zu Hause und lesen Bücher.
Ob Peter die alte Lampe im Keller wohl reparieren kann?
""",
    "French/fr": """
Ma petite sœur prépare une bonne soupe pour mon papa.
Le boulanger ouvre sa boutique avant le lever du jour.
Il pleut beaucoup, prends ton parapluie et tes bottes.
Nous avons bu un peu de vin blanc sur la place du marché.
Un vieux monsieur mange une pomme dans le jardin.
Tu peux me montrer le plus beau pont de la ville ?
Les enfants jouent au ballon sous le grand arbre.
Je voudrais une chambre calme avec vue sur la mer.
Chaque matin, deux chevaux bruns passent devant chez moi.
Mes amis habitent au bout de la rue, près du port.
On va partir jeudi pour voir la neige en montagne.
Pourquoi la lumière brûle-t-elle encore dans ton bureau ?
""",
    "Spanish/es": """
Mi abuela prepara pan con mermelada para toda la familia.
El barco blanco pasa bajo el puente cuando sube el agua.
Pablo compró un bolso pequeño y un paraguas azul.
¿Puedes poner la mesa mientras yo busco los platos?
Los pájaros cantan muy temprano en el campo.
Mañana vamos a bailar en la plaza del pueblo.
Ocho muchachos fueron juntos a ver una película.
La lluvia moja las hojas y el suelo del jardín.
Me gusta mucho el chocolate, pero como poco.
Bebimos un zumo de mango en la playa con mis primos.
Un hombre simpático nos abrió la puerta del museo.
El domingo compramos bombones para mi mamá.
""",
    "Italian/it": """
La mamma compra pane e pomodori al mercato del borgo.
Il bambino beve un bicchiere d'acqua prima di dormire.
Domani prendiamo il treno per andare in montagna.
Il mio amico ha una barca piccola ma molto bella.
Puoi aprire la porta e chiamare il nonno, per favore?
Abbiamo mangiato troppo gelato sulla spiaggia.
Gli uccelli volano alti sopra i campi gialli.
Che cosa hai messo nella borsa della spesa?
La zuppa di zucca scalda il cuore quando piove.
Un gruppo di ragazzi balla in mezzo alla piazza.
Il babbo pulisce la pompa dell'acqua ogni sabato.
Ogni sera guardiamo la luna sopra il campanile.
""",
    "Portuguese/pt-br": """
Minha mãe comprou pão e um bolo bonito para a família.
O barco pequeno passou embaixo da ponte velha.
Vamos beber um copo de água antes de subir o morro.
O menino pulou o muro e caiu em cima da grama.
Você pode me emprestar um lápis e um papel branco?
Amanhã meu irmão volta de uma longa viagem.
As crianças brincam na praia quando não chove.
O homem do mercado vende peixe bom e barato.
Ela gosta de ouvir música enquanto lava a roupa.
Bem cedo o pombo pousou na porta do museu.
Meu primo pintou um quadro com um sapo e um boi.
Hoje à noite vamos jantar na casa do vovô.
""",
    "Dutch/nl": """
Mijn buurman bouwt een boot voor zijn oude moeder.
Op de markt kopen we brood, appels en een bos bloemen.
Kun je me morgen om vijf uur komen ophalen?
De muis loopt vrolijk over de houten vloer van de keuken.
In de zomer zwemmen veel mensen buiten in het meer.
De bakker bakt elke ochtend honderd warme broodjes.
Wij wonen boven een mooie winkel met blauwe deuren.
Het regent buiten, dus we blijven thuis een boek lezen.
Een grote hond blafte hard naar de postbode.
Mama maakt pompoensoep met peper en room.
Papa bewaart zijn boeken op de bovenste plank.
Hoe komt het dat jullie huis zo groen is?
""",
    "Swedish/sv": """
Min mamma bakar bröd och bullar på morgonen.
Båten åkte sakta under den gamla bron.
Kan du hjälpa mig att bära upp bordet?
På sommaren badar barnen i den blå sjön.
Vi köpte äpplen, päron och en burk honung.
Pappa målar huset rött innan hösten kommer.
Det finns mycket snö på berget i år.
Fåglarna sjunger högt utanför mitt fönster.
Sju sjuka sjömän sköttes av en skön sköterska.
Mormor bjöd på kaffe och plommonpaj i parken.
Pojken blev glad när bollen kom upp ur brunnen.
Varför bor ni så långt bort från byn?
""",
    "Polish/pl": """
Moja mama piecze pyszny placek z jabłkami.
Babcia kupiła bułki, masło i pół kilo pomidorów.
Czy możesz podać mi ten mały biały kubek?
W sobotę pojedziemy pociągiem nad morze.
Dużo ptaków siedzi na płocie obok domu.
Chłopiec rzucił piłkę i pobiegł przez podwórko.
Latem często pływamy w zimnym jeziorze.
Mój brat buduje most z drewna i papieru.
Wieczorem czytam książkę przy otwartym oknie.
Pani Basia pomaga mężowi pompować rower.
Po południu przyszli goście z bukietem białych róż.
Głodny pies szuka kości pod starym dębem.
""",
    "Russian/ru": """
Моя бабушка печёт пироги с яблоками и мёдом.
Папа купил большую белую лампу для кухни.
Мы поедем на море в конце июля.
Мальчик бросил мяч и побежал по улице.
Можно мне ещё чашку чая с лимоном?
Утром в парке поют птицы и бегают собаки.
Мой брат построил мост из бумаги и палок.
На рынке продают помидоры, грибы и рыбу.
Сегодня холодно, поэтому мы останемся дома.
Бабочка медленно поднялась над полем.
Маме очень понравился букет белых роз.
Почему ты опять опоздал на поезд?
""",
    "Czech/cs": """
Moje babička peče buchty s mákem a povidly.
Na trhu jsme koupili brambory, chleba a med.
Můžeš mi prosím podat ten modrý hrnek?
Pes běží přes pole a štěká na ptáky.
V létě se často koupeme v rybníku za vesnicí.
Můj bratr staví malou loď z papíru.
Dnes večer půjdeme do kina na nový film.
Tři stříbrné stříkačky stříkaly přes střechu.
Maminka otevřela okno a pustila dovnitř vzduch.
Pan Bureš pomáhá sousedům opravit pumpu.
Po obědě si dáme kávu a kousek bábovky.
Proč je ta brána u mostu pořád otevřená?
""",
    "Turkish/tr": """
Annem bu sabah bize bal, peynir ve ekmek aldı.
Babam büyük bir bahçede domates ve biber yetiştiriyor.
Yarın sabah otobüsle köye gidiyoruz.
Küçük çocuk mavi topunu parkta unuttu.
Bana bir bardak soğuk su verir misin?
Kuşlar ağaçların üstünde ötüyor.
Akşam yemeğinde mercimek çorbası ve pilav var.
Kardeşim yüksek bir köprü yapmak istiyor.
Güzel günlerde deniz kenarında yürürüz.
Bebek uyurken kapıyı yavaşça kapat.
Pazarda armut, üzüm ve muz çok pahalıydı.
Öğretmenimiz bize uzun bir öykü okudu.
""",
    "Finnish/fi": """
Mummo leipoi pullaa ja pappa keitti kahvia.
Poika hyppäsi veteen vanhalta sillalta.
Ostimme torilta omenoita, perunoita ja puolukoita.
Voitko avata oven ja tulla auttamaan minua?
Kesällä uimme usein kylmässä järvessä.
Lumi peittää pellot ja metsän koko talven.
Pöydällä on pullo mehua ja pieni sininen kuppi.
Lapset rakentavat majan suuren puun juurelle.
Yöllä kuulimme, kuinka tuuli ulvoi ulkona.
Pappi puhui kauan kappelin pihalla.
Hämmentynyt mies etsi lamppua komerosta.
Miksi et pyytänyt apua aikaisemmin?
""",
    "Hungarian/hu": """
A nagymamám almás pitét sütött az egész családnak.
A piacon vettünk barackot, paprikát és mézet.
Kérlek, add ide azt a kék poharat!
Nyáron gyakran úszunk a hűvös tóban.
A kutya ugatva fut a madarak után.
Holnap reggel busszal megyünk a hegyekbe.
Öcsém papírból épít egy magas hidat.
Este könyvet olvasok a nyitott ablak mellett.
Minden gyerek örül, ha végre leesik a hó.
Apám a padláson pakolja a poros dobozokat.
Mama befőttet és szörpöt visz a beteg szomszédnak.
Miért olyan üres ma ez a hosszú utca?
""",
    "Greek/el": """
Η μαμά μου έφτιαξε μια μεγάλη πίτα με μήλα.
Ο παππούς πίνει καφέ κάτω από το μπαλκόνι.
Αύριο το πρωί θα πάμε με το πλοίο στο νησί.
Μπορείς να μου δώσεις ένα ποτήρι νερό;
Τα παιδιά παίζουν μπάλα μπροστά στο σπίτι.
Αγοράσαμε ψωμί, ντομάτες και πολύ μέλι.
Το καλοκαίρι κολυμπάμε κάθε μέρα στη θάλασσα.
Ο αδελφός μου έχει έναν άσπρο σκύλο.
Έξω φυσάει δυνατός αέρας και βρέχει πολύ.
Ο μπαμπάς βάφει την πόρτα με μπλε χρώμα.
Πάμε μαζί στην πλατεία για ένα παγωτό.
Γιατί άφησες το παράθυρο ανοιχτό όλη νύχτα;
""",
    "Hindi/hi": """
मेरी माँ बाज़ार से फल और सब्ज़ी लाती है।
पिताजी बाग में आम के पेड़ को पानी देते हैं।
क्या तुम मुझे एक गिलास पानी दे सकते हो?
बच्चे मैदान में बड़े मज़े से खेल रहे हैं।
कल सुबह हम बस से पहाड़ पर जाएँगे।
मेरा भाई पुरानी किताबें बहुत पसंद करता है।
बारिश में मोर पंख फैलाकर नाचता है।
दुकान पर मीठी चाय और गरम पकौड़े मिलते हैं।
शाम को चाँद नदी के ऊपर चमकता है।
पापा ने बाबू को मम्मी का पुराना बक्सा दिया।
भूखा बंदर पेड़ पर बैठकर केला खा गया।
आप इतने दूर अकेले क्यों जा रहे हैं?
""",
    "Mandarin/cmn-latn-pinyin": """
ma1 ma5 mai3 le5 mian4 bao1 he2 ping2 guo3
ba4 ba5 zai4 men2 kou3 deng3 peng2 you5
ming2 tian1 wo3 men5 qu4 gong1 yuan2 pao3 bu4
qing3 gei3 wo3 yi4 bei1 leng3 shui3
ta1 de5 fang2 jian1 li3 you3 hen3 duo1 shu1
xiao3 niao3 zai4 shu4 shang5 chang4 ge1
xia4 yu3 le5 suo3 yi3 wo3 mei2 you3 chu1 men2
nv3 er2 xi3 huan1 chuan1 lv4 se4 de5 qun2 zi5
ni3 wei4 shen2 me5 zhe4 me5 gao1 xing4
po2 po5 bao1 le5 yi4 pan2 bai2 cai4 jiao3 zi5
di4 di5 pa2 shang4 le5 men2 bian1 de5 mu4 ma3
wan3 shang5 wo3 men5 yi4 qi3 kan4 dian4 ying3
""",
    "Japanese/ja": """
おばあさんは あさ はやく パンを かいました。
ぼくの ともだちは うみの そばに すんでいます。
あした みんなで やまに のぼりましょう。
みどりの ぼうしを かぶった こどもが わらった。
つめたい みずを いっぱい ください。
あめが ふったので うちで ほんを よみました。
ちいさな とりが まどの そとで ないています。
この まちには ふるい はしが たくさん あります。
ばんごはんの まえに てを あらいなさい。
ママは ぶどうと ももを はこに ならべた。
パパの かばんの なかには まめと ペンが ある。
どうして そんなに ゆっくり あるくの ですか。
""",
    "Indonesian/id": """
Ibu membeli roti, mangga, dan beras di pasar.
Bapak membawa perahu kecil ke pantai pagi ini.
Boleh saya minta segelas air dingin?
Anak-anak bermain bola di depan rumah.
Besok kami pergi ke gunung naik bus.
Adik saya suka membaca buku di bawah pohon.
Burung itu terbang tinggi di atas sungai.
Malam ini kita makan sup ayam dan sambal.
Hujan turun lama, jadi kami tidur saja.
Paman membuka pompa lama dengan palu besar.
Mobil putih itu berhenti di samping jembatan.
Mengapa kamu pulang begitu cepat?
""",
    "Vietnamese/vi": """
Mẹ tôi mua bánh mì và một quả bưởi to.
Bố đang sửa cái bàn cũ ở ngoài vườn.
Ngày mai chúng tôi đi biển bằng xe lửa.
Bạn có muốn uống một cốc nước mát không?
Em bé mặc áo màu vàng chạy trên bãi cỏ.
Bà ngoại kể chuyện ma cho các cháu nghe.
Trời mưa to nên không ai ra phố.
Buổi sáng, chim hót trên mái nhà.
Anh ấy thích ăn phở bò vào mùa đông.
Mấy con mèo béo nằm ngủ bên bếp ấm.
Bác Ba bán bắp và măng ở chợ làng.
Vì sao hôm qua bạn về muộn thế?
""",
    "Korean/ko": """
엄마가 시장에서 빵과 포도를 샀어요.
아빠는 봄마다 밭에 나무를 심어요.
내일 우리는 기차를 타고 바다에 가요.
물 한 잔만 주실 수 있어요?
아이들이 운동장에서 공을 차고 놀아요.
비가 와서 하루 종일 집에서 책을 봤어요.
파란 새가 지붕 위에서 노래를 불러요.
오빠는 매운 음식을 아주 좋아해요.
밤에는 별이 많이 보여요.
바쁜 아버지는 밥을 빨리 먹고 나갔어요.
할머니가 배와 밤을 보자기에 싸 주셨어요.
왜 오늘은 모두 이렇게 조용해요?
""",
    "Swahili/sw": """
Mama amenunua mkate, maembe na maziwa sokoni.
Baba anapanda mbegu shambani kila mwaka.
Kesho tutapanda basi kwenda pwani.
Tafadhali nipe kikombe cha maji baridi.
Watoto wanacheza mpira mbele ya nyumba.
Bibi anapika wali na samaki kwa moto mdogo.
Ndege wadogo wanaimba juu ya mti mkubwa.
Mvua ilinyesha sana, kwa hiyo tulibaki nyumbani.
Ndugu yangu anapenda kusoma vitabu usiku.
Mbwa mweupe amelala pembeni mwa mlango.
Babu aliimba wimbo mpya pamoja na mabinti.
Kwa nini umechoka hivyo leo?
""",
}
