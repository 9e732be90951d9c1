"""The letters that languages use, and the old encodings that they are written in.

Enough to tell from a single comment which encoding makes a language of it; `codesearch.sources.decoding` does. What is
listed first is the more common in source code, and is taken where two fit equally well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

__all__ = ["ALPHABETS", "COMMON", "Alphabet"]

COMMON = frozenset(
    "“”„‘’‚‹›«»–—…•·©®™°§¶±×÷µ¹²³¼½¾£¥€¢¿¡ªº\xa0"  # of the Windows code pages
    "、。〈〉《》「」『』【】〔〕・ー〜～！（），．：；？／＋－＝％＆＊＠［］｛｝｜“”‘’…—·　→←↑↓①②③④⑤■□●○◆◇★☆※×℃№"
    "，。；：？！、（）“”《》"
)
"""Signs that are written between letters of any language."""


@dataclass(frozen=True, slots=True)
class Alphabet:
    """What a language is written with.

    Attributes:
        encodings: As Python calls them, the more common first.
        value: What a letter outside ASCII says for the language, from 0 to 1.
    """

    encodings: tuple[str, ...]
    value: Callable[[str], float]


def _letters(letters: str, worth: float = 1.0) -> Callable[[str], float]:
    both = frozenset(letters + letters.upper() + letters.title()) - {"S"}
    return lambda character: worth if character in both else 0.0


def _script(first: str, last: str, worth: float) -> Callable[[str], float]:
    """Any letter of a script that fills half of a code page: worth less than what fits more narrowly."""
    return lambda character: worth if first <= character <= last else 0.0


def _cyrillic(own: str) -> Callable[[str], float]:
    """What tells the Cyrillic code pages apart is which letters are frequent: all of them make letters of all bytes."""
    worth = dict.fromkeys("оеаинтсрвлк" + own, 1.0) | dict.fromkeys("мдпуягьызбч", 0.6)
    worth |= {letter.upper(): value for letter, value in worth.items()}
    return lambda character: worth.get(character, 0.3 if "\u0410" <= character <= "\u044f" else 0.0)


_COMMON_HANZI = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方"
    "多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情"
    "明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给"
    "世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太"
    "量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象"
    "完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔返值参函符码错误配置默认检查"
    "初始输缓冲区读写删除添调字节串线程锁释循环组键索引列行列表类型变量注释请版本存储网络连接端状态时钟"
)
_COMMON_TRADITIONAL = frozenset(
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家種事成方"
    "多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日軍者意無力它與長把機十民第公此已工使情"
    "明性知全三又關點正業外將兩高間由問很最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西斯月話合回特代內信表化老給"
    "世位次度門任常先海通教兒原東聲提立及比員解水名真論處走義各入幾口認條平系氣題活爾更別打女變四神總何電數安少報才結反受目太"
    "量再感建務做接必場件計管期市直德資命山金指克許統區保至隊形社便空決治展馬科司五基眼書非則聽白卻界達光放強即像難且權思王象"
    "完設式色路記南品住告類求據程北邊死張該交規萬取拉格望覺術領共確傳師觀清今切院讓識候帶導爭運筆返值參函符碼錯誤配置預檢查"
    "初始輸緩衝讀寫刪除新增調字節串線緒鎖釋迴圈組鍵索引列行型變註檔案版本存儲網路連接埠狀態"
)
_COMMON_KANJI = frozenset(
    "日一国会人年大十二本中長出三同時政事自行社見月分議後前民生連五発間対上部東者党地合市業内相方四定今回新場金員九入選立開"
    "手米力学問高代明実円関決子動京全目表戦経通外最言氏現理調体化田当八六約主題下首意法不来作性的要用制治度務強気小七成期公"
    "野協取都和統以機平総加山思家話世受区領多県続進正安設保改数記院女初北午指権心界支第産結百派点教報済書府活原先共得解名交"
    "資予川向際査勝面委告軍文反元重近千考判認画海参利組知案道信策集在件団別物側任引使求所次水半品昨論計死官増係感特情投示変"
    "打男基私各始島直両朝革価式確村提運終挙果西勢減台広容必応演電歳住争談能無再位置企真流格有疑口過局少放税検藤町常校料沢裁"
    "状工建語球営空職証土与急止送援供可役構木割聞身費付施切由説転食比難防補車優夫研収断井何南石足違消境神番規術護展態導鮮備"
    "宅害配副算視条幹独警宮究育席輸訪楽起万着乗店述残想線率病農州武声質念待試族象銀域助労例衛然早張映限親額監環験追審商葉義"
    "伝働形景落欧担好退準賞訴辺造英被株頭技低毎医復仕去姿味負閣韓渡失移差衆個門写評課末守若脳極種美岡影命含福蔵量望松非撃佐"
    "核観察整段横融型白深字答夜製票況音申様財港識注呼渉達列値戻関処文列読込書引数返変型配列取得設定削除追加初期化実行例外"
)
_COMMON_HANGUL = frozenset(
    "이다는에의가을를고하지로은한사기도리어시아자서정인나부대수일그해전주만게있라조상으장구제여공안여보면원경미것성마진들오소"
    "적위스동신없개비과생국용중무트회세계선관간분모교때까우와등내유방되된될함합니습할했화치실방행발산단현물음않바명연려러저학"
    "통입금문식양드당두업임약결열런타크터파프레데스템값환반변함열호출설정인자오류처리파일읽쓰삭제추가초기버퍼크기확인문자열"
    "너니거건겠네요른려워있었였던든같많더번째중후래본월년초말님께서또매각종류객체름목록순번길메소드클래속법체"
)


@cache
def _lead(character: str, encoding: str) -> int:
    """The first byte of a character of two bytes, which tells the level of a set it is in; 0 where it is in none."""
    try:
        data = character.encode(encoding)
    except UnicodeEncodeError:
        return 0
    return data[0] if len(data) == 2 else 0


_LEVEL_ONE = 0.45
_RARE = 0.1


def _japanese(character: str) -> float:
    if "\u3041" <= character <= "\u30fe":
        return 1.0
    if character in _COMMON_KANJI:
        return 0.9
    return _LEVEL_ONE if 0xB0 <= _lead(character, "euc_jp") <= 0xCF else _wide_letter(character)


def _simplified(character: str) -> float:
    if character in _COMMON_HANZI:
        return 1.0
    return _LEVEL_ONE if 0xB0 <= _lead(character, "gb2312") <= 0xD7 else _wide_letter(character)


def _traditional(character: str) -> float:
    if character in _COMMON_TRADITIONAL:
        return 1.0
    return _LEVEL_ONE if 0xA4 <= _lead(character, "big5") <= 0xC6 else _wide_letter(character)


def _korean(character: str) -> float:
    if character in _COMMON_HANGUL:
        return 1.0
    return _LEVEL_ONE if 0xB0 <= _lead(character, "euc_kr") <= 0xC8 else _wide_letter(character)


def _wide_letter(character: str) -> float:
    """What an uncommon ideograph says, or a letter that is as wide as one: little."""
    if "\uff10" <= character <= "\uff5a":
        return 0.8
    return _RARE if "\u4e00" <= character <= "\u9fff" else 0.0


_WESTERN = (
    _letters("äöüß"),
    _letters("éèêëàâçîïôùûüœ"),
    _letters("áéíóúñü"),
    _letters("ãõáéíóúâêôàç"),
    _letters("àèéìòù"),
    _letters("åäöøæé"),
    _letters("äöüßéèêëàâçîïôùûœáíóúñãõåæø", 0.97),  # the names of people
)
_CENTRE = ("cp1250", "iso8859-2")

ALPHABETS = (
    Alphabet(("utf-8",), _script("\x80", "\U0010ffff", 1.0)),
    *(Alphabet(("cp1252",), letters) for letters in _WESTERN),
    Alphabet(("cp932", "euc_jp"), _japanese),
    Alphabet(("gb18030",), _simplified),
    Alphabet(("cp949",), _korean),
    Alphabet(("cp950",), _traditional),
    Alphabet(("cp1251", "koi8_r", "cp866", "iso8859-5"), _cyrillic("ё")),
    Alphabet(("cp1251", "koi8_u"), _cyrillic("іїєґў")),
    Alphabet(("iso8859-15",), _letters("éèêëàâçîïôùûüœž")),
    *(Alphabet(("cp850", "mac_roman"), letters) for letters in _WESTERN),
    Alphabet(_CENTRE, _letters("áéíóöőúüű")),
    Alphabet(("cp1254",), _letters("çğıöşüâîİ")),
    Alphabet(("cp1252",), _letters("áéíóúýðþæö")),
    Alphabet(_CENTRE, _letters("ąćęłńóśźż")),
    Alphabet(_CENTRE, _letters("áčďéěíňóřšťúůýž")),
    Alphabet(_CENTRE, _letters("áäčďéíĺľňóôŕšťúýž")),
    Alphabet(_CENTRE, _letters("čćžšđ")),
    Alphabet(_CENTRE, _letters("ăâîşţ")),
    Alphabet(("cp1257",), _letters("ąčęėįšųūžāēģīķļņ")),
    Alphabet(("cp852",), _letters("ąćęłńóśźż")),
    Alphabet(("cp852",), _letters("áčďéěíňóřšťúůýž")),
    Alphabet(("cp1253", "iso8859-7"), _script("\u0386", "\u03ce", 0.7)),
    Alphabet(("cp1255",), _script("\u05d0", "\u05ea", 0.72)),
    Alphabet(("cp1256", "iso8859-6"), _script("\u0621", "\u06d2", 0.65)),
    Alphabet(("cp874",), _script("\u0e01", "\u0e5b", 0.6)),
)
"""Languages in the order in which they are tried."""
