#import <Foundation/Foundation.h>

static const int kLimit = 10;
#define SHOP_MAX 3

typedef NS_ENUM(NSInteger, ShopState) {
    ShopStateOpen,
    ShopStateClosed,
};

@protocol ShopDelegate <NSObject>
- (void)shop:(id)shop didSell:(NSString *)thing;
@end

/// Sells things.
@interface Shop : NSObject <ShopDelegate>

@property (nonatomic, copy) NSString *name;

/// Opens the shop.
- (instancetype)initWithName:(NSString *)name limit:(int)limit;

@end

@implementation Shop

- (instancetype)initWithName:(NSString *)name limit:(int)limit {
    self = [super init];
    if (self) {
        _name = [name copy];
    }
    return self;
}

// The one shop that all share.
+ (Shop *)sharedShop {
    static Shop *shop = nil;
    return shop;
}

- (void)sellThing:(NSString *)thing {
    dispatch_async(dispatch_get_main_queue(), ^{
        [self.delegate shop:self didSell:thing];
    });
}

@end

@implementation NSString (Shorten)

- (NSString *)shortened {
    return [self substringToIndex:3];
}

@end

/* Adds one. */
int found(int a) {
    return a + 1;
}

int broken( {
    return (;

NSString *afterTheError(void) {
    return @"ünï";
}
